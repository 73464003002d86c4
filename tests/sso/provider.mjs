// A real OpenID provider (npm oidc-provider) on loopback. Arguments: the module's path, and JSON with
// `port` and `clients`. Whoever comes is logged in at once as the account that the header X-Account names.
import { createServer } from "node:http";
import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { pathToFileURL } from "node:url";

const [, , modulePath, json] = process.argv;
const { port, clients } = JSON.parse(json);
const { default: Provider } = await import(pathToFileURL(modulePath).href);

const generate = promisify(generateKeyPair);
const made = await Promise.all([
  generate("rsa", { modulusLength: 2048 }),
  generate("ec", { namedCurve: "P-256" }),
  generate("ed25519"),
]);
const keys = made.map(({ privateKey }) => ({ ...privateKey.export({ format: "jwk" }), use: "sig" }));
const scopes = "openid email profile";

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  jwks: { keys },
  cookies: { keys: ["of-a-test"] },
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name", "family_name"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({
      sub,
      email: `${sub}@example.com`,
      email_verified: true,
      given_name: "Asha",
      family_name: "Rao",
    }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope(scopes);
    await grant.save();
    return grant;
  },
});

const serve = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith("/interaction/")) {
    return serve(request, response);
  }
  const account = request.headers["x-account"];
  const result = account ? { login: { accountId: account } } : { error: "access_denied" };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}).listen(port, "127.0.0.1", () => console.log("ready"));
