"""What was measured, as a table and as plain data. Ratios come first: they hold on other machines too."""

from typing import Any

from bench.measure import Operation, Timings

# How many times faster than the baseline an operation is meant to be (p50 at one client).
GOALS = {"read": 10, "start": 4, "complete": 3, "list": 3, "board": 5, "flow": 4}
# What share of the limit's rate is meant to be left of it.
SHARES = {"read": 0.12, "start": 0.20, "complete": 0.15, "list": 0.40, "board": 0.25}


def build_row(operation: Operation, timings: dict[str, Timings]) -> dict[str, Any]:
    product, stock = (timings[name].summary() for name in ("product", "stock"))
    return {
        "operation": operation.name,
        "what": operation.what,
        "times_faster_p50": stock["p50_ms"] / product["p50_ms"],
        "times_rate_8": product["rate"] / stock["rate"],
        "times_less_cpu": stock["cpu_ms"] / max(product["cpu_ms"], 0.001),
        "goal": GOALS.get(operation.name),
        "product": product,
        "stock": stock,
    }


def add_limits(rows: list[dict[str, Any]], raw: dict[str, dict[str, float]]) -> None:
    """Add the limit, and the share of its rate that the product reaches with everything that it does besides."""
    for row in rows:
        limit = raw.get(row["operation"])
        if limit:
            share = row["product"]["rate"] / limit["rate"]
            row |= {"limit": limit, "share_of_limit": share, "share_goal": SHARES.get(row["operation"])}


def print_head(database: str) -> None:
    print(f"\n{database}: p50 (ms) and server's processor time (ms) at 1 client, operations per second at 8; goal: for p50")
    print(f"{'':42} {'product':^23} {'stock':^23}   {'times better':^21}  {'goal':>4} {'bytes':>9} {'stock':>9}")
    columns = f"{'p50':>8} {'cpu':>7} {'rate':>6}"
    print(f"{'':42} {columns} {columns}   {'p50':>7}{'cpu':>7}{'rate':>7}", flush=True)


def print_row(row: dict[str, Any]) -> None:
    product, stock = row["product"], row["stock"]
    figures = " ".join(f"{side['p50_ms']:8.2f} {side['cpu_ms']:7.2f} {side['rate']:6.0f}" for side in (product, stock))
    ratios = f"{row['times_faster_p50']:7.1f}{row['times_less_cpu']:7.1f}{row['times_rate_8']:7.1f}"
    sizes = f"{product['bytes']:9,} {stock['bytes']:9,}" if product["bytes"] else ""
    print(f"{row['what']:42} {figures}   {ratios}  {row['goal'] or '':>4} {sizes}", flush=True)


def print_limits(rows: list[dict[str, Any]]) -> None:
    limited = [row for row in rows if "limit" in row]
    if not limited:
        return
    print(f"\n{'limit (pgbench, the least SQL)':42} {'ms':>9} {'rate':>9}   {'share':>6} {'goal':>6}")
    for row in limited:
        goal = f"{row['share_goal']:6.0%}" if row["share_goal"] else ""
        limit = row["limit"]
        print(f"{row['what']:42} {limit['latency_ms']:9.2f} {limit['rate']:9.0f}   {row['share_of_limit']:6.1%} {goal}")


def print_engine(rows: list[dict[str, Any]]) -> None:
    print(f"{'engine, microseconds per step':24} {'':16} {'20 tasks':>9} {'200 tasks':>9} {'ratio':>6}")
    for row in rows:
        print(f"{row['shape']:24} {row['what']:16} {row['small_us']:9.0f} {row['large_us']:9.0f} {row['ratio']:6.1f}", flush=True)


def rounded(value: Any) -> Any:
    """Three digits say what such figures can say."""
    if isinstance(value, float):
        return float(f"{value:.3g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value
