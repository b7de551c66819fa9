"""Names of levels, colours, times and sources as log formats write them."""

from __future__ import annotations

from datetime import UTC, datetime

NAMES = {"D": "DEBUG", "I": "INFO", "W": "WARN", "E": "ERROR", "F": "FATAL"}
LONG = {"D": "DEBUG", "I": "INFO", "W": "WARNING", "E": "ERROR", "F": "CRITICAL"}
LOWER = {level: name.lower() for level, name in NAMES.items()}
LONG_LOWER = {level: name.lower() for level, name in LONG.items()}
GREEN, YELLOW, RED, PLAIN, DIM = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m", "\x1b[2m"
COLOURS = {"D": "\x1b[34m", "I": GREEN, "W": YELLOW, "E": RED, "F": RED}
JAVA = (
    *("web.CartController", "web.QuoteController", "svc.PricingService", "svc.ShipmentPlanner", "cfg.Bootstrap"),
    *("repo.ItemRepository", "batch.NightlyExport", "mq.StockListener"),
)
PYTHON = ("shop.views", "shop.tasks", "billing.gateway", "core.cache", "core.db", "catalog.sync")
GO = (
    "api/handler.go:118",
    "queue/consumer.go:74",
    "store/sql.go:209",
    "main.go:61",
    "cache/lru.go:33",
    "sched/cron.go:147",
)
RUST = ("ledger::api", "ledger::store", "ledger::worker::sync", "hyper::proto", "ledger::cache")
NET = (
    *("Contoso.Billing.InvoiceWorker", "Contoso.Api.OrdersController"),
    *("Microsoft.Hosting.Lifetime", "Contoso.Data.Repository"),
)


def day(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def iso(at: float, digits: int = 3) -> str:
    whole = day(at).strftime("%Y-%m-%dT%H:%M:%S")
    return whole if digits == 0 else whole + f"{at % 1:.{digits}f}"[1:]


def spaced(at: float, digits: int = 3, point: str = ".") -> str:
    return day(at).strftime("%Y-%m-%d %H:%M:%S") + point + f"{at % 1:.{digits}f}"[2:]
