"""What browser tests of the page and of the explorers share."""

BLACK_PIXELS = """(selector) => {
    const { data } = document.querySelector(selector).getContext("2d").getImageData(0, 0, 140, 140);
    return data.filter((value, n) => n % 4 === 3 && value > 127).length;
}"""
"""How many pixels of a drawing canvas are black."""

DIGEST = "() => document.getElementById('digest').dataset.digest"
"""The digest of the weights, which the page shows once it has ended or paused."""

PLAYGROUND_CUT_OFF = """() => [
    ...document.querySelectorAll("button, label, select, input, canvas, footer span, .panel, dialog")
].filter(part =>
    part.getBoundingClientRect().right > innerWidth
    || (part.matches(".panel") && part.scrollHeight > part.clientHeight)
    || (part.tagName === "BUTTON" && part.scrollWidth > part.clientWidth + 1)
).map(part => part.outerHTML.slice(0, 120))"""
"""What a window cuts off of the page."""
