"""What the tests of the Verilog of each matrix-vector product have in common."""

from typing import Any, ClassVar

import pytest

# What a bench says that found a wrong sum; a mutation of a member's arithmetic must lead to it.
WRONG_SUM = r"y\[\d+, \d+\] is -?0x"


@pytest.mark.needs("icarus")
class Ladder:
    """Verilog against the model: the small preset always, others and corners in the long tests.

    Attributes
    ----------
    config
        The member's ``Config``.
    tests
        How many tests its bench has.
    presets
        Those beside ``small``.
    corners
        Legal configurations that differ from presets in what they leave out or put to an end.
    """

    config: ClassVar[Any]
    tests: ClassVar[int]
    presets: ClassVar[tuple[str, ...]]
    corners: ClassVar[dict[str, dict[str, Any]]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each preset, and of each corner."""
        for argument in {"preset", "corner"} & set(metafunc.fixturenames):
            metafunc.parametrize(argument, getattr(metafunc.cls, f"{argument}s"))

    def test_rtl_equals_model(self, simulate):
        self.run_all(simulate, "small")

    @pytest.mark.long
    def test_other_presets_equal_the_model(self, simulate, preset):
        self.run_all(simulate, preset)

    @pytest.mark.long
    def test_rtl_equals_model_at_the_corners(self, simulate, corner):
        simulate(self.config.block_name, self.config.from_dict(self.corners[corner]))

    def run_all(self, simulate, preset):
        """Run the bench of a preset; a test that it lost counts as a failure."""
        report = simulate(self.config.block_name, self.config.preset(preset))
        assert report.tests == self.tests
