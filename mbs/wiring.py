"""What each service is made of, for a request's scope; `app.py` hands the result to the registry."""

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from mbs.accounts.repository import send_verification
from mbs.accounts.service import AccountService
from mbs.allocations.repository import AllocationRepository
from mbs.api_keys.service import ApiKeyService
from mbs.auth.repository import UserRepository
from mbs.auth.service import AuthService
from mbs.availability.service import AvailabilityService
from mbs.bookings.repository.of_sessions import cancel_bookings, expire_bookings, move_bookings
from mbs.bookings.service.lifecycle import LifecycleService
from mbs.bookings.service.reading import BookingService
from mbs.branding.service import LogoService
from mbs.catalog.service import CatalogService
from mbs.consents.service import ConsentService, SuppressionService, UsageService
from mbs.credit_notes.service.issuing import CreditService
from mbs.credit_notes.service.reading import CreditNoteService
from mbs.customers.repository import CustomerRepository
from mbs.customers.service import CustomerService
from mbs.dashboard.service.activity import DashboardService
from mbs.dashboard.service.money import MoneyReportService
from mbs.events.service import EventService
from mbs.exchange_rates.service import ExchangeRateService
from mbs.foundation.clock import Clock
from mbs.foundation.db import Transaction
from mbs.foundation.scope import Scope
from mbs.foundation.services import Factories
from mbs.invitations.service import InvitationService, JoinService
from mbs.invoices.service.drafting import DraftService
from mbs.invoices.service.from_bookings import BillingService
from mbs.invoices.service.issued import IssuedService
from mbs.invoices.service.issuing import IssuingService
from mbs.invoices.service.reading import InvoiceService
from mbs.locations.service import LocationService
from mbs.mail.gateways.interface import Gateway
from mbs.mail.service import DeliveryService
from mbs.notifications.service.reading import NotificationService
from mbs.parts import Parts, mail_gateway, own_origins
from mbs.payments.service.applying import ApplyingService
from mbs.payments.service.reading import PaymentService
from mbs.payments.service.recording import RecordingService
from mbs.payments.service.refunding import RefundService
from mbs.printing.service import Press, PrintingService
from mbs.receipts.gateways import ResendSignature, SendGridSignature, TwilioSignature
from mbs.receipts.service.receiving import ReceiptService
from mbs.reservations.models.actors import Actor
from mbs.reservations.service.making import ReservationService
from mbs.reservations.service.moving import MovingService
from mbs.resources.service import ResourceService
from mbs.schedules.service import ExceptionService, ScheduleService, TimeOffService
from mbs.second_factor.service import SecondFactorService
from mbs.seeds.service import SeedService, Tools
from mbs.sessions.models import Consequences
from mbs.sessions.service.classes import SessionService
from mbs.sign_ins.service import SignInService
from mbs.sso.service import SsoService
from mbs.taxes.service import TaxService
from mbs.team.service import MemberService, RoleService
from mbs.templates.service import TemplateService
from mbs.tenants.service import TenantService
from mbs.waitlist.repository import end_waiting, offer_seats
from mbs.waitlist.service import WaitlistService
from mbs.webhooks.service.deliveries import DeliveryLogService
from mbs.webhooks.service.endpoints import EndpointService


def delivery_service(parts: Parts, *, gateway: Gateway | None = None) -> DeliveryService:
    """Return what `mbs worker` empties the queue of mails with.

    :param gateway: None: the one that the configuration describes.
    """
    config = parts.config
    return DeliveryService(
        begin=parts.begin(Scope(correlation_id="worker")),
        clock=parts.clock,
        sealer=parts.sealer,
        gateway=gateway or mail_gateway(config),
        base_url=own_origins(config)[0],
    )


CONSEQUENCES = Consequences(
    expire=lambda transaction, ids, at: expire_bookings(transaction, ids, at=at),
    cancel=lambda transaction, id_, at, reason: cancel_bookings(transaction, id_, at=at, reason=reason),
    move=lambda transaction, id_, start, end, at: move_bookings(
        transaction, id_, start_at=start, end_at=end, at=at
    ),
    offer=lambda transaction, id_, at: offer_seats(transaction, id_, at=at),
    end_waiting=lambda transaction, id_, at: end_waiting(transaction, id_, at=at),
)
"""What the change of a class means for the rooms above it."""


def only_of(scope: Scope) -> dict[str, UUID | None]:
    """Return whose classes and bookings alone a caller may see, and change; None: anybody's."""
    return {
        "reads_only_of": None if scope.may("bookings:read") else scope.actor_id,
        "writes_only_of": None if scope.may("bookings:write") else scope.actor_id,
    }


def see_customer(only_of: UUID | None, transaction: Transaction, id_: UUID) -> None:
    """Refuse a customer that does not exist, or is not one of a person's own; None: whosever it is.

    :raises NotFound: if it is so.
    """
    CustomerRepository(transaction).get_of(id_, only_of)


def receipt_signatures(parts: Parts) -> dict[str, Any]:
    """Return how each provider proves what it reports; without its secret none can."""
    config = parts.config
    return {
        "twilio": TwilioSignature(config.twilio_auth_token, base_url=own_origins(config)[0]),
        "sendgrid": SendGridSignature(config.sendgrid_webhook_public_key),
        "resend": ResendSignature(config.resend_webhook_secret),
    }


def service_factories(parts: Parts) -> Factories:
    """Return how each service is made for a request's scope."""
    begin, clock, press = parts.begin, parts.clock, Press()
    signatures = receipt_signatures(parts)
    welcome = partial(send_verification, sealer=parts.sealer)
    return {
        AuthService: lambda scope: AuthService(
            begin=begin(scope),
            clock=clock,
            throttle=parts.throttle,
            tokens=parts.tokens,
            challenges=parts.challenges,
            sealer=parts.sealer,
            welcome=welcome,
        ),
        SecondFactorService: lambda scope: SecondFactorService(
            begin=begin(scope),
            clock=clock,
            throttle=parts.throttle,
            sealer=parts.sealer,
            email_of=lambda transaction, user_id: str(UserRepository(transaction).get(user_id).email),
        ),
        AccountService: lambda scope: AccountService(
            begin=begin(scope), clock=clock, throttle=parts.throttle, sealer=parts.sealer
        ),
        SsoService: lambda scope: SsoService(
            begin=begin(scope),
            clock=clock,
            provider=parts.provider,
            origins=own_origins(parts.config),
            tickets=parts.tickets,
            challenges=parts.challenges,
            tokens=parts.tokens,
            sealer=parts.sealer,
            welcome=welcome,
            deadline=scope.deadline,
        ),
        SignInService: lambda scope: SignInService(
            begin=begin(scope), clock=clock, throttle=parts.throttle, sealer=parts.sealer
        ),
        InvitationService: lambda scope: InvitationService(
            begin=begin(scope), clock=clock, sealer=parts.sealer
        ),
        JoinService: lambda scope: JoinService(
            begin=begin(scope),
            clock=clock,
            throttle=parts.throttle,
            tokens=parts.tokens,
            challenges=parts.challenges,
            sealer=parts.sealer,
        ),
        MemberService: lambda scope: MemberService(begin=begin(scope), clock=clock),
        RoleService: lambda scope: RoleService(begin=begin(scope), clock=clock),
        TenantService: lambda scope: TenantService(begin=begin(scope), clock=clock),
        LogoService: lambda scope: LogoService(begin=begin(scope), clock=clock),
        PrintingService: lambda scope: PrintingService(begin=begin(scope), clock=clock, press=press),
        LocationService: lambda scope: LocationService(begin=begin(scope), clock=clock),
        ScheduleService: lambda scope: ScheduleService(begin=begin(scope), clock=clock),
        ExceptionService: lambda scope: ExceptionService(begin=begin(scope), clock=clock),
        TimeOffService: lambda scope: TimeOffService(
            begin=begin(scope), clock=clock, only_of=None if scope.may("timeOff:write") else scope.actor_id
        ),
        ApiKeyService: lambda scope: ApiKeyService(begin=begin(scope), clock=clock),
        AvailabilityService: lambda scope: AvailabilityService(
            begin=begin(scope), clock=clock, exempt=not scope.is_program
        ),
        CreditService: lambda scope: CreditService(begin=begin(scope), clock=clock),
        CreditNoteService: lambda scope: CreditNoteService(begin=begin(scope)),
        DashboardService: lambda scope: DashboardService(
            begin=begin(scope), clock=clock, shows_money=scope.may("reports:finance")
        ),
        MoneyReportService: lambda scope: MoneyReportService(begin=begin(scope), clock=clock),
        PaymentService: lambda scope: PaymentService(begin=begin(scope)),
        RecordingService: lambda scope: RecordingService(
            begin=begin(scope),
            clock=clock,
            only_of=None if scope.may("payments:record") else scope.actor_id,
        ),
        ApplyingService: lambda scope: ApplyingService(begin=begin(scope), clock=clock),
        RefundService: lambda scope: RefundService(begin=begin(scope), clock=clock),
        SeedService: lambda scope: SeedService(
            begin=begin(scope), clock=clock, equip=partial(seed_tools, parts, scope)
        ),
        ExchangeRateService: lambda scope: ExchangeRateService(begin=begin(scope), clock=clock),
        TemplateService: lambda scope: TemplateService(begin=begin(scope), clock=clock),
        TaxService: lambda scope: TaxService(begin=begin(scope), clock=clock),
        EndpointService: lambda scope: EndpointService(
            begin=begin(scope),
            clock=clock,
            sealer=parts.sealer,
            allow_private=parts.config.webhooks_allow_private,
        ),
        DeliveryLogService: lambda scope: DeliveryLogService(begin=begin(scope), clock=clock),
        EventService: lambda scope: EventService(begin=begin(scope)),
        CustomerService: lambda scope: CustomerService(
            begin=begin(scope),
            clock=clock,
            only_of=None if scope.may("customers:read") else scope.actor_id,
        ),
        ConsentService: lambda scope: ConsentService(
            begin=begin(scope),
            clock=clock,
            see=partial(see_customer, None if scope.may("customers:read") else scope.actor_id),
        ),
        SuppressionService: lambda scope: SuppressionService(begin=begin(scope), clock=clock),
        UsageService: lambda scope: UsageService(begin=begin(scope), clock=clock),
        CatalogService: lambda scope: CatalogService(begin=begin(scope), clock=clock),
        NotificationService: lambda scope: NotificationService(
            begin=begin(scope), clock=clock, caller_id=None if scope.is_program else scope.actor_id
        ),
        ResourceService: lambda scope: ResourceService(
            begin=begin(scope),
            clock=clock,
            free=lambda transaction, id_, above, at: AllocationRepository(transaction).release_over(
                id_, above=above, at=at
            ),
            expire=CONSEQUENCES.expire,
        ),
        ReceiptService: lambda scope: ReceiptService(begin=begin(scope), clock=clock, **signatures),
        ReservationService: lambda scope: ReservationService(
            begin=begin(scope), clock=clock, actor=Actor.of(scope), seats_freed=CONSEQUENCES.offer
        ),
        MovingService: lambda scope: MovingService(
            begin=begin(scope), clock=clock, actor=Actor.of(scope), seats_freed=CONSEQUENCES.offer
        ),
        BookingService: lambda scope: BookingService(begin=begin(scope), clock=clock, **only_of(scope)),
        LifecycleService: lambda scope: LifecycleService(
            begin=begin(scope),
            clock=clock,
            only_of=None if scope.may("bookings:write") else scope.actor_id,
            is_member=not scope.is_program,
            seats_freed=CONSEQUENCES.offer,
        ),
        SessionService: lambda scope: SessionService(
            begin=begin(scope), clock=clock, **only_of(scope), consequences=CONSEQUENCES
        ),
        InvoiceService: lambda scope: InvoiceService(begin=begin(scope), clock=clock),
        DraftService: lambda scope: DraftService(begin=begin(scope), clock=clock),
        IssuingService: lambda scope: IssuingService(begin=begin(scope), clock=clock),
        IssuedService: lambda scope: IssuedService(begin=begin(scope), clock=clock, throttle=parts.throttle),
        BillingService: lambda scope: BillingService(begin=begin(scope), clock=clock),
        WaitlistService: lambda scope: WaitlistService(
            begin=begin(scope), clock=clock, exempt=not scope.is_program, **only_of(scope)
        ),
    }


def seed_tools(parts: Parts, scope: Scope, transaction: Transaction, clock: Clock) -> Tools:
    """Return the services that build a demo business, all in one transaction and by its own clock."""
    made = service_factories(replace(parts, clock=clock))
    joined = replace(scope, open_transaction=transaction)
    return Tools(
        settings=made[TenantService](joined),
        locations=made[LocationService](joined),
        customers=made[CustomerService](joined),
        resources=made[ResourceService](joined),
        schedules=made[ScheduleService](joined),
        catalog=made[CatalogService](joined),
        sessions=made[SessionService](joined),
        reservations=made[ReservationService](joined),
        bookings=made[LifecycleService](joined),
        waitlist=made[WaitlistService](joined),
        billing=partial(made[BillingService], joined),
        payments=made[RecordingService](joined),
        credits=made[CreditService](joined),
    )
