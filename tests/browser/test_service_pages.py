"""The pages of services in the system's Chromium: filled in, submitted, read; by keyboard, without anything loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.outcome import Image, ScriptError, ScriptState, Visualization
from estudio.services.calling import ModuleFailure, ScoreOutcome
from estudio.services.calling_double import HostDouble
from estudio.tables.table import Table
from tests.browser.chromium import Chromium, find_chromium
from tests.server.running import context_of, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.services.calling import ScoreCall

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
HOSTILE = "</script><script>window.owned = true</script>"
PEOPLE = Table.from_arrow(
    pa.table(
        {
            "name": pa.array(["Anna", "José", HOSTILE], pa.large_string()),
            "age": [34, 61, None],
            "weight": [61.5, 80.25, 70.0],
            "smoker": [True, False, None],
            "__proto__": pa.array(["a", "b", "c"], pa.large_string()),
        }
    )
)
PARAMETERS = (
    Parameter("threshold", ParameterType.NUMBER, "from which risk on", 0.5, minimum=0, maximum=1),
    Parameter("method", ParameterType.CHOICE, "how", required=True, choices=("logistic", "forest")),
)


def score(call: ScoreCall) -> ScoreOutcome:
    table = call.inputs["input1"]
    if "fail" in table.to_arrow()["name"].to_pylist():
        error = ScriptError("script-raised", "The script raised ValueError: no such name.", "Traceback: line 7", 7)
        return ScoreOutcome(failure=ModuleFailure("score", "Execute Python Script", ScriptState.FAILED, error))
    seen = Visualization(f"Scored {table.row_count}.\n", (Image("roc.png", PNG, 1, 1),))
    return ScoreOutcome({"output1": table}, visualizations={"score": seen})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    host = HostDouble()
    host.add("risk", score, inputs={"input1": PEOPLE}, outputs={"output1": PEOPLE}, parameters=PARAMETERS)
    with running(context_of(host)) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip("Chromium is not here")
    with Chromium(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(browser: Chromium, url: str) -> Iterator[Chromium]:
    """The test page with a key filled in; afterwards nothing of it may have failed or left the server."""
    browser.console.clear()
    browser.requests.clear()
    browser.open(f"{url}/services/risk")
    browser.run("sessionStorage.clear()")
    browser.open(f"{url}/services/risk/test")
    browser.run("document.getElementById('key').value = 'call-key'")
    yield browser
    assert [line for line in browser.console if "Failed to load resource" not in line] == []
    assert [each for each in browser.requests if not each.startswith((url, "data:image/png"))] == []
    assert browser.run("window.owned") is None


def submitted(page: Chromium, tone: str) -> str:
    page.run("document.getElementById('call').requestSubmit()")
    page.wait(f"document.getElementById('status').className === '{tone}'")
    return str(page.run("document.getElementById('status').textContent"))


def answer(page: Chromium) -> str:
    return str(page.run("document.getElementById('answer').innerText"))


def fill(page: Chromium, element: str, text: str) -> None:
    page.run(
        f"(() => {{ const e = document.getElementById({element!r}); e.value = {text!r};"
        "e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_one_row_is_filled_in_called_and_answered(page: Chromium) -> None:
    assert page.run("document.getElementById('input1-0-0').value") == "Anna"
    fill(page, "input1-0-1", "35")
    fill(page, "input1-0-2", "")
    assert submitted(page, "good").startswith("Answered by version 1 in ")
    told = answer(page)
    assert "Anna\t35\tmissing\ttrue\ta" in told
    assert "1 row\n" in told
    assert "Scored 1." in told
    assert page.run("document.querySelector('#answer img').naturalWidth") == 1
    assert page.run("sessionStorage.length") == 1
    assert page.run("localStorage.length") == 0


def test_several_rows_with_one_added_and_one_removed(page: Chromium) -> None:
    page.run("document.querySelector('.as-grid').click()")
    page.run("document.querySelectorAll('.grid button')[1].click()")
    page.run("Array.from(document.querySelectorAll('button')).find(b => b.textContent === 'Add a row').click()")
    page.wait("document.activeElement.id === 'input1-2-0'")
    page.type("Mei")
    assert page.run("document.querySelector('.counter').textContent") == "3 rows are sent"
    submitted(page, "good")
    names = page.run("Array.from(document.querySelectorAll('#answer tbody tr')).map(r => r.cells[1].textContent)")
    assert names == ["Anna", HOSTILE, "Mei"]


def test_pasted_csv_is_taken(page: Chromium) -> None:
    csv = 'age,name,smoker,weight,__proto__\r\n7,"Bo ""B"", Jr",false,1e1,x\n8,"two\nlines",,2,y\n'
    page.run(f"document.querySelector('.csv').value = {csv!r}; document.querySelector('.take-csv').click()")
    assert page.run("document.querySelector('.csv-words').textContent") == "2 rows were taken."
    submitted(page, "good")
    rows = page.run("Array.from(document.querySelectorAll('#answer tbody tr')).map(r => r.cells[1].textContent)")
    assert rows == ['Bo "B", Jr', "two\nlines"]
    page.run("document.querySelector('.csv').value = 'age,nme\\n1,2'; document.querySelector('.take-csv').click()")
    assert "it lacks name" in page.run("document.querySelector('.csv-words').textContent")


def test_a_wrong_value_is_shown_at_its_cell(page: Chromium) -> None:
    page.run("document.querySelector('.as-grid').click()")
    fill(page, "input1-1-1", "old")
    assert "status 400" in submitted(page, "bad")
    assert page.run("document.activeElement.id") == "input1-1-1"
    assert page.run("document.activeElement.getAttribute('aria-invalid')") == "true"
    wrong = page.run("document.getElementById('input1-1-1-wrong').textContent")
    assert "old" in wrong
    assert wrong in answer(page)
    fill(page, "input1-1-1", "62")
    assert page.run("document.querySelectorAll('[aria-invalid]').length") == 0
    submitted(page, "good")


def test_a_wrong_parameter_is_shown_at_its_field(page: Chromium) -> None:
    fill(page, "parameter-threshold", "7")
    submitted(page, "bad")
    assert page.run("document.activeElement.id") == "parameter-threshold"


def test_a_script_that_raises_is_shown_with_its_line(page: Chromium) -> None:
    fill(page, "input1-0-0", "fail")
    assert "status 422" in submitted(page, "bad")
    told = answer(page)
    assert "ValueError: no such name" in told
    assert "Module score, line 7" in told
    assert "Traceback: line 7" in told


def test_a_wrong_key_is_told_at_its_field(page: Chromium) -> None:
    fill(page, "key", "another")
    assert "status 401" in submitted(page, "bad")
    assert page.run("document.activeElement.id") == "key"


def test_the_keyboard_alone_is_enough(page: Chromium) -> None:
    page.run("document.getElementById('key').focus(); document.getElementById('key').select()")
    page.type("call-key")
    page.press("Enter", control=True)
    page.wait("document.getElementById('status').className === 'good'")
    reached = set()
    for _ in range(25):
        page.press("Tab")
        reached.add(page.run("document.activeElement.id || document.activeElement.className"))
    assert {"as-fields", "as-grid", "input1-0-0", "parameter-threshold", "parameter-method", "send"} <= reached


def test_every_field_has_a_name(page: Chromium) -> None:
    for view in (".as-fields", ".as-grid"):
        page.run(f"document.querySelector('{view}').click()")
        unnamed = page.run(
            "Array.from(document.querySelectorAll('input,select,textarea,button'))"
            ".filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map(e => e.outerHTML)"
        )
        assert unnamed == []


def test_the_page_of_a_service(page: Chromium, url: str) -> None:
    submitted(page, "good")
    page.open(f"{url}/services/risk")
    assert page.run("document.querySelectorAll('[role=tabpanel]:not([hidden])').length") == 1
    page.run("document.getElementById('tab-curl').focus()")
    page.press("ArrowRight")
    assert page.run("document.activeElement.id") == "tab-python"
    assert "urlopen" in page.run("document.querySelector('[role=tabpanel]:not([hidden])').innerText")
    page.wait("document.querySelector('[data-figure=calls]').textContent === '0'")
    page.run("document.querySelector('button[data-copies=address-score]').click()")
    page.wait("document.querySelector('button[data-copies=address-score]').textContent !== 'Copy'")
    page.open(f"{url}/")
    assert page.run("document.querySelector('h2 a').textContent") == "Risk"


def test_dark_and_light_differ_and_can_be_read(page: Chromium) -> None:
    def contrast(scheme: str) -> float:
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        return float(
            page.run(
                """(() => { const of = (color) => { const [r, g, b] = color.match(/[0-9.]+/g).map((c) => { c /= 255;
                return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
                const style = getComputedStyle(document.querySelector('.lead'));
                const pair = [of(style.color), of(getComputedStyle(document.body).backgroundColor)].sort();
                return (pair[1] + 0.05) / (pair[0] + 0.05); })()"""
            )
        )

    light = page.run("getComputedStyle(document.body).backgroundColor")
    assert contrast("dark") >= 4.5
    assert page.run("getComputedStyle(document.body).backgroundColor") != light
    assert contrast("light") >= 4.5
