"""Whether words that a business wrote can be sent."""

from collections.abc import Mapping

from mbs.foundation.errors import FieldFault, Invalid
from mbs.templates.models.catalog import SOMETIMES, TemplateKey
from mbs.templates.models.placeholders import fault_of, named
from mbs.templates.models.words import Words

NOT_ON: Mapping[str, tuple[str, ...]] = {
    "email": ("contentSid", "contentVariables"),
    "whatsapp": ("subject",),
}


def check(words: Words, template: TemplateKey) -> None:
    """Refuse words that could not be sent, or that name what the message does not know.

    :raises Invalid: naming each fault.
    """
    faults = [
        *_faults_of_texts(words, template),
        *_faults_of_channel(words),
        *_faults_of_places(words, template),
    ]
    if faults:
        raise Invalid(errors=faults)


def _faults_of_texts(words: Words, template: TemplateKey) -> list[FieldFault]:
    faults = []
    for field, text in (("subject", words.subject or ""), ("body", words.body)):
        fault = fault_of(text, template.variables)
        if fault is not None:
            faults.append(FieldFault(field, "unknown_placeholder", fault))
    uncertain = sorted(SOMETIMES & named(words.subject or "") & set(template.variables))
    if uncertain:
        message = f"Name {', '.join(uncertain)} in the body alone: there is not always a value."
        faults.append(FieldFault("subject", "invalid", message))
    return faults


def _faults_of_channel(words: Words) -> list[FieldFault]:
    given = {
        "subject": words.subject,
        "contentSid": words.content_sid,
        "contentVariables": words.content_variables,
    }
    faults = [
        FieldFault(field, "invalid", f"There is none on {words.channel}.")
        for field in NOT_ON[words.channel]
        if given[field]
    ]
    if words.channel == "email" and not words.subject:
        faults.append(FieldFault("subject", "required", "A mail has a subject."))
    if words.channel == "whatsapp" and words.content_variables and not words.content_sid:
        faults.append(FieldFault("contentSid", "required", "Variables belong to an approved template."))
    return faults


def _faults_of_places(words: Words, template: TemplateKey) -> list[FieldFault]:
    faults = []
    for place, name in words.content_variables.items():
        if name not in template.variables:
            message = f"There is no {name} here; it may name: {', '.join(sorted(template.variables))}."
            faults.append(FieldFault(f"contentVariables.{place}", "unknown_placeholder", message))
    if sorted(map(int, words.content_variables)) != list(range(1, len(words.content_variables) + 1)):
        faults.append(FieldFault("contentVariables", "invalid", "Number the places 1, 2, 3 without a gap."))
    return faults
