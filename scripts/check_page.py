"""Looks at the live page of longtail serve in a headless Chromium while a sweep runs; scripts/ci_serve.sh starts everything.

Checks that rows and curves change without a reload, that a hostile name is text, that nothing breaks the Content-Security-Policy or logs an
error, that no view scrolls sideways at any width, that axe-core finds no fault, that the keyboard works, and how fast a thousand runs appear.
"""

import argparse
import os
import pathlib
import time

from playwright.sync_api import sync_playwright

parser = argparse.ArgumentParser()
for name in ["chromium", "axe", "url", "thousand", "pid", "hostile", "shots"]:
    parser.add_argument("--" + name)
args = parser.parse_args()

VIEWS = ["runs", "curves", "run", "compare", "paper"]
SIZES = [(1280, 900), (768, 1000), (390, 844)]
faults = []


def check(ok, text):
    print(("ok   " if ok else "FAIL ") + text)
    if not ok:
        faults.append(text)


def wait(page, what, arg=None, seconds=30):
    """Waits until an expression in the page is true; Playwright's own waiting needs eval, which the page's policy forbids."""
    end = time.time() + seconds
    while not page.evaluate(what, arg):
        if time.time() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


def watch(page, label):
    """Collects what must not happen on a page."""
    page.on("console", lambda m: m.type in ("error", "warning") and faults.append(f"{label}: console: {m.text}"))
    page.on("pageerror", lambda e: faults.append(f"{label}: error: {e}"))
    page.add_init_script("addEventListener('securitypolicyviolation', (e) => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI))")


def show(page, view):
    page.evaluate("(v) => { location.hash = '#' + v }", view)
    page.wait_for_selector(f"#view-{view.split('/')[0]}:not([hidden])")


def live(browser):
    """Rows and curves change while one looks."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    watch(page, "live")
    page.goto(args.url)
    page.wait_for_selector("#rows tr")
    page.evaluate("window.same = true")
    wait(page, "[...document.querySelectorAll('#rows .state')].some((s) => s.textContent.includes('running'))")
    rows = page.locator("#rows").inner_text()
    wait(page, "(before) => document.getElementById('rows').innerText !== before", rows)
    check(page.evaluate("window.same === true"), "rows change without a reload")

    name = page.locator("#rows .name a", has_text="<script>")
    check(name.count() == 1 and name.first.inner_text() == args.hostile, "the hostile name is shown as text")
    check(page.evaluate("window.hacked === undefined && !document.querySelector('main script, main img')"), "and does nothing")

    show(page, "curves")
    page.wait_for_selector("#curves canvas")
    label = page.locator("#curves").get_attribute("aria-label")
    wait(page, "(before) => document.getElementById('curves').getAttribute('aria-label') !== before", label)
    check(page.evaluate("window.same === true"), "curves grow without a reload")

    keyboard(page)
    for metric in ["test/error", "learning_rate"]:
        page.select_option("#metric", metric)
    page.select_option("#scale", "log")
    page.select_option("#axis", "step")
    page.check("#seeds")
    page.wait_for_timeout(1500)
    check(page.locator("#legend li").count() > 0, "any metric, logarithmic, over steps, means over seeds")
    page.close()


def keyboard(page):
    chart = page.locator("#curves")
    chart.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    check(page.locator("#curves .hover").is_visible(), "arrow keys show the values of the curves")
    ticks = "() => document.querySelector('#curves canvas').toDataURL()"
    before = page.evaluate(ticks)
    page.keyboard.press("+")
    page.wait_for_timeout(200)
    zoomed = page.evaluate(ticks)
    check(before != zoomed, "+ zooms")
    page.keyboard.press("0")
    box = page.locator("#curves .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_timeout(200)
    check(page.evaluate(ticks) != zoomed, "dragging zooms")
    show(page, "runs")
    page.keyboard.press("/")
    page.keyboard.type("softmax")
    check(page.evaluate("document.activeElement.id") == "filter" and page.locator("#rows tr").count() > 0, "/ goes to the filter")
    page.fill("#filter", "")
    page.locator("#rows tr input").first.focus()
    page.keyboard.press("Space")
    check("(those" not in page.locator("#chosen").inner_text(), "the space bar selects a run")
    show(page, "curves")


def looks(browser):
    """Every view at every size, light and dark."""
    axe = args.axe and os.path.exists(args.axe)
    source = pathlib.Path(args.axe).read_text() if axe else ""
    for scheme in ["light", "dark"]:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        watch(page, scheme)
        page.goto(args.url)
        page.wait_for_selector("#rows tr")
        done = page.locator("#rows tr", has_text="<script>").first.get_attribute("data-id")
        sideways, found = [], []
        for view in VIEWS:
            show(page, view + ("/" + done if view == "run" else ""))
            page.wait_for_timeout(500)
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(150)
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    sideways.append(f"{view} at {width}")
                if args.shots:
                    page.screenshot(path=f"{args.shots}/{view}-{width}-{scheme}.png", full_page=width != 1280)
                if axe and (width == 1280 or width == 390 and scheme == "light"):
                    page.evaluate(source + ";0")
                    result = page.evaluate("axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })")
                    found += [f"{view} at {width}: {v['id']}: {v['nodes'][0]['html'][:160]}" for v in result["violations"]]
        check(not sideways, f"{scheme}: nothing scrolls sideways {sideways or ''}")
        if axe:
            check(not found, f"{scheme}: axe-core finds no fault in {len(VIEWS)} views {found or ''}")
        context.close()


def thousand(browser):
    """The first paint of a thousand runs, and the server's memory."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    watch(page, "thousand")
    page.goto(args.thousand)
    page.wait_for_selector("#rows tr:nth-child(200)")  # the server reads the folder for the first time
    page.reload()
    page.wait_for_selector("#rows tr:nth-child(200)")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    start = time.time()
    page.reload()
    page.wait_for_selector("#rows tr:nth-child(200)")
    filled = 1000 * (time.time() - start)
    check(paint < 1000, f"a thousand runs: first paint after {paint:.0f} ms, the list filled after {filled:.0f} ms")
    show(page, "paper")
    page.wait_for_selector("#paper table", timeout=60000)
    for line in open(f"/proc/{args.pid}/status"):
        if line.startswith(("VmRSS", "VmHWM")):
            mb = int(line.split()[1]) / 1000
            check(mb < 100, f"a thousand runs: {line.split(':')[0]} of the server {mb:.0f} MB, its tables read")
    page.close()


with sync_playwright() as p:
    browser = p.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
    for stage in [live, looks, thousand]:
        start = time.time()
        stage(browser)
        print(f"     {stage.__name__}: {time.time() - start:.0f} s")
    browser.close()
for f in faults:
    print("fault:", f)
raise SystemExit(bool(faults))
