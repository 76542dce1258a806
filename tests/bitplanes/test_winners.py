"""What the page says wins at a precision: by area, energy, look-up tables and clock."""

from nomul.experiments.bitplanes import winners

PERIOD = 1000


def row(array, acts, area, period, **more):
    """Return a row as the tables have them."""
    shown = {"array": array, "A": acts, "B": 4, "products per cycle": 16.0, **more}
    return {**shown, "um2 per product per cycle": area, "period, ps": period}


def test_a_column_that_misses_its_period_counts_as_much_more():
    found = [row("quick", 8, 100.0, 900), row("slow", 8, 90.0, 1200), row("quick", 4, 50.0, 1000)]
    assert winners.columns(found, PERIOD) == [
        {"A": 8, "B": 4, "quick": 100.0, "slow": 108.0, "smallest": "quick"},
        {"A": 4, "B": 4, "quick": 50.0, "smallest": "quick"},
    ]


def test_the_smallest_array_need_not_spend_the_least():
    both = {"fJ per product": 5.0}, {"fJ per product": 4.0}
    found = [row("dense, Booth", 8, 60, 900, **both[0]), row("planes", 8, 61, 900, **both[1])]
    assert winners.whole(found, PERIOD) == [
        {"A": 8, "B": 4, "um2, dense, Booth": 60, "um2, planes": 61, "smallest": "dense, Booth"}
        | {"fJ, dense, Booth": 5.0, "fJ, planes": 4.0, "least energy": "planes"}
    ]


def test_look_up_tables_are_weighed_by_what_they_do_in_a_second():
    dense = row("dense, DSP blocks", 8, 0, 0, LUT=100, DSP=16) | {"clock, MHz": 40.0}
    serial = row("dense, bit by bit", 8, 0, 0, LUT=150, DSP=0) | {"clock, MHz": 80.0}
    assert winners.fpga([dense, serial]) == [
        {"A": 8, "B": 4, "LUT, dense, DSP blocks": 100, "LUT, dense, bit by bit": 150}
        | {
            "fewest LUT": "dense, DSP blocks",
            "MHz, dense, DSP blocks": 40.0,
            "MHz, dense, bit by bit": 80.0,
        }
        | {"quickest": "dense, bit by bit", "DSP, dense": 16}
        | {"fewest LUT per throughput": "dense, bit by bit"}
    ]
