"""The report as a page: complete, self-contained, and usable in a real browser."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from nomul import registry
from nomul.experiments import claims, pictures, tables
from nomul.report import bars, page

BLOCKS = ("essop", "intouter", "lfsr")
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a page about a block, a baseline and a part."""
    return page.write(tmp_path_factory.mktemp("report"), BLOCKS)


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def values(self, attribute):
        return [attrs[attribute] for _, attrs in self.found if attribute in attrs]


def test_page_needs_nothing_beside_it(written):
    elements = Elements(written.read_text())
    assert all(source.startswith("data:") for source in elements.values("src"))
    assert not any(tag in ("iframe", "object", "embed") for tag, _ in elements.found)
    styles = re.findall(r"url\(|@import", written.read_text())
    assert not styles
    links = [attrs["href"] for tag, attrs in elements.found if tag == "link"]
    assert links == ["data:,"]


def test_links_inside_lead_somewhere_and_names_are_unique(written):
    elements = Elements(written.read_text())
    names = elements.values("id")
    assert len(names) == len(set(names))
    inside = [link[1:] for link in elements.values("href") if link.startswith("#")]
    assert set(inside) <= set(names)
    assert {*BLOCKS, "claims", "overview", "numbers"} <= set(names)


def test_section_holds_what_the_block_is(written):
    text = written.read_text()
    section = text[text.index('id="essop"') : text.index('id="intouter"')]
    assert "https://arxiv.org/abs/2003.11256" in section
    for heading in ("What it computes", "Built from", "One transaction", "Ports", "Parameters"):
        assert f"<h3>{heading}</h3>" in section
    assert "Reconstruction" in section
    assert "<code>essop_cell</code> &times; 4" in section
    assert "<code>stream_bits</code>" in section


def test_page_opens_with_the_claims_and_ends_with_the_rows(written):
    text = written.read_text()
    places = [text.index(f'id="{name}"') for name in ("claims", "essop", "lfsr", "overview-ecp5")]
    assert places == sorted(places)
    opening = text[places[0] : places[1]]
    assert opening.count('<svg class="bars"') == 2
    assert "Claims: met 2." in opening
    assert re.search(r'class="met yes">yes<', opening)


def test_a_claim_is_drawn_with_whose_each_bar_is():
    (area, _) = pictures.of("essop")
    assert [bar.who for bar in area.bars] == ["baseline", "paper", "baseline", "ours"]
    fp16, paper, _, ours = (bar.value for bar in area.bars)
    assert paper == round(fp16 * (1 - 0.937), 1)
    drawing = bars.svg(area)
    assert drawing.count("<rect") == 4
    assert "logarithmic" in drawing
    widths = [
        float(w) for w in re.findall(r'<rect class="\w+" x="\d+" y="\d+" width="([\d.]+)"', drawing)
    ]
    order = sorted(range(4), key=lambda k: area.bars[k].value)
    assert order == sorted(range(4), key=lambda k: widths[k])
    assert ours == min(bar.value for bar in area.bars)
    assert area.best.name == "ESSOP, plane/paper"


def test_a_quotation_never_wins():
    shown = (pictures.Bar("paper", 9.0, "paper"), pictures.Bar("ours", 2.0, "ours"))
    assert pictures.Picture("t", "times", "more", shown).best.name == "ours"
    assert pictures.Picture("t", "times", "less", shown).best.name == "ours"


@pytest.mark.parametrize("block", ["essop", "spimc", "lutnet", "sotfp", "lif"])
def test_every_comparable_claim_has_a_picture(block):
    drawn = pictures.of(block)
    assert drawn
    assert all(bars.svg(picture).endswith("</svg>") for picture in drawn)
    assert all({"ours"} < {bar.who for bar in picture.bars} for picture in drawn)


def test_what_is_not_reproduced_has_none():
    assert pictures.of("sonic") == []
    assert all(row["met"] == "not comparable" for row in claims.of("sonic"))


def test_sites_and_cells_are_never_on_one_axis(written):
    """A table of its own for every target, with one measure of size."""
    data = re.findall(
        r'id="overview-(\w+)" data-x="([^"]+)"(.*?)</figure>', written.read_text(), re.S
    )
    assert [target for target, _, _ in data] == ["freepdk45", "ecp5", "ice40"]
    assert [size for _, size, _ in data] == ["area (um2)", "LUTs", "LUTs"]
    for _, size, figure in data:
        rows = json.loads(re.search(r'application/json">(.*?)</script>', figure, re.S)[1])
        assert all(({"area (um2)", "LUTs"} & set(row)) == {size} for row in rows)


def test_formulas_are_typeset(written):
    text = written.read_text()
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in text
    assert "$" not in re.sub(
        r"<script.*?</script>|<style.*?</style>|<code.*?</code>|<pre.*?</pre>", "", text, flags=re.S
    )


def test_paper_stands_beside_ours(written):
    section = written.read_text().partition('id="intouter"')[0]
    assert "<h3>The paper beside ours</h3>" in section
    assert "93.7 % less" in section


@pytest.mark.parametrize("block", ["essop", "spimc", "lutnet", "sonic", "sotfp"])
def test_claims_come_from_the_committed_tables(block, monkeypatch):
    """Each paper's claims are there, and go away with the tables they are read from."""
    found = claims.of(block)
    assert all(row["paper (quoted)"] and row["ours"] for row in found)
    assert found

    def unmeasured(*_):
        raise FileNotFoundError

    monkeypatch.setattr(tables, "load", unmeasured)
    reads = any(row["ours"] != claims.NOT for row in found)
    assert claims.of(block) == ([] if reads else found)
    assert claims.of("lfsr") == []


def test_wrong_block_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no block 'esop'"):
        page.write(tmp_path, ["esop"])


def test_every_block_has_a_page_to_show():
    for name in registry.BLOCKS:
        assert page.prose(registry.get(name).page, set(registry.BLOCKS))


@pytest.fixture(scope="module")
def browser():
    """Return a headless Chromium."""
    if DRIVER is None:
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def shown(browser, written):
    """Return the browser with the page loaded, at the size of a desk's screen."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    # From the same page to the same page, a busy driver answers before the script has run.
    browser.get("about:blank")
    browser.get(written.as_uri())
    WebDriverWait(browser, 60).until(lambda b: find(b, "#overview-freepdk45 .explore .dot"))
    return browser


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def points(browser):
    """Return what the overview's data hold on the two axes that are chosen."""
    rows = browser.execute_script(
        "return JSON.parse(document.querySelector('#overview-freepdk45 script').textContent)"
    )
    x, y = (s.get_attribute("value") for s in find(browser, "#overview-freepdk45 select")[:2])
    return [(row[x], row[y]) for row in rows if row[x] is not None and row[y] is not None]


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_nothing_runs_over_the_edge(shown, width):
    """On a phone, a tablet and a desk; what is wide scrolls inside a box of its own."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    shown.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    shown.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    over = shown.execute_script(
        """
        const root = document.documentElement;
        const inner = [...document.querySelectorAll('main *')].filter((e) =>
            !e.closest('.wide, pre, svg') && e.getBoundingClientRect().right > innerWidth + 1);
        return [root.scrollWidth - root.clientWidth, inner.map((e) => e.outerHTML.slice(0, 80))];
        """
    )
    assert over == [0, []]


def test_nothing_is_missing_and_nothing_complains(shown):
    broken = shown.execute_script(
        "return [...document.images].filter((i) => !i.complete || !i.naturalWidth).length"
    )
    assert broken == 0
    for name in BLOCKS:
        drawings = find(shown, f"#{name} .drawing svg")
        assert len(drawings) == 2
        assert all(d.size["width"] > 150 and d.size["height"] > 20 for d in drawings)
    assert [entry for entry in shown.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_first_plot_is_size_against_clock_and_its_legend_hides_nothing(shown):
    chosen = [s.get_attribute("value") for s in find(shown, "#overview-freepdk45 select")[:2]]
    assert chosen == ["area (um2)", "clock (MHz)"]
    legend = shown.find_element("css selector", "#overview-freepdk45 .legend")
    plot = shown.find_element("css selector", "#overview-freepdk45 .explore svg")
    assert legend.rect["y"] >= plot.rect["y"] + plot.rect["height"]
    assert {*BLOCKS} == {item.text for item in find(shown, "#overview-freepdk45 .legend li")}


def test_filter_takes_points_away_and_gives_them_back(shown):
    """By keyboard alone: each box is reached and toggled without a mouse."""
    dots = "#overview-freepdk45 .explore .dot"
    whole = len(find(shown, dots))
    assert whole == len(points(shown)) > 3
    (box,) = shown.find_elements(
        "xpath",
        "//*[@id='overview-freepdk45']//legend[.='block']/..//label[contains(., 'essop')]/input",
    )
    box.send_keys(" ")
    left = find(shown, dots)
    assert 0 < len(left) < whole
    assert not any("block essop" in dot.get_attribute("aria-label") for dot in left)
    box.send_keys(" ")
    assert len(find(shown, dots)) == whole


def test_points_tell_what_they_are_to_mouse_and_keyboard(shown):
    from selenium.webdriver import ActionChains

    output = shown.find_element("css selector", "#overview-freepdk45 output")
    second, first = find(shown, "#overview-freepdk45 .explore .dot")[-2:]  # the last is on top
    ActionChains(shown).move_to_element(first).perform()
    assert output.text == first.get_attribute("aria-label")
    shown.execute_script("arguments[0].focus()", second)
    assert output.text == second.get_attribute("aria-label") != first.get_attribute("aria-label")


def test_front_joins_what_no_other_point_beats(shown):
    """Recomputed here from the data in the page."""
    boxes = find(shown, "#overview-freepdk45 form > label > input")
    signs = [-1 if box.is_selected() else 1 for box in boxes]
    every = [(signs[0] * across, signs[1] * up) for across, up in points(shown)]
    best = [p for p in every if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in every)]
    assert len(find(shown, "#overview-freepdk45 .dot.best")) == len(best) > 0


def test_page_prints(shown):
    """What is folded on the screen is on the paper, and everything fits it."""
    pdf = shown.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"]
    content = base64.b64decode(pdf)
    assert content.startswith(b"%PDF")
    assert len(content) > 50_000
    opened = shown.execute_script(
        "dispatchEvent(new Event('beforeprint'));"
        "const open = document.querySelectorAll('details:not([open])').length;"
        "dispatchEvent(new Event('afterprint')); return open"
    )
    assert opened == 0
    assert len(find(shown, "details:not([open])")) > 0
