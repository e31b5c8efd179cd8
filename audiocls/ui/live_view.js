// What the microphone hears, as it is told by the app in small updates: the label now, the last minute, the counts.
// WORDS and LIMITS are put before it by live_view.py; `element`, `props` and `watch` are given by gradio.
const find = (name) => element.querySelector(".lv-" + name);
const [label, score, problem, picture, counts, spoken] =
    ["label", "score", "problem", "picture", "counts", "spoken"].map(find);
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6bb1", "#7f7f7f"];
const DARK_TEXT = new Set(["#56b4e9", "#e69f00", "#cc79a7"]);
const SHOWN_SECONDS = 60, LEVELS = 46, BANDS = 58, AXIS = 22, LOWEST_DB = -70, LOST_MS = 6000, LOOK_MS = 200;

let moments = new Map(), colours = new Map(), newest = null, arrived = 0, running = false, began = 0, said = "", session = 0;

const fill = (text, words) => text.replace(/\{(\w+)\}/g, (_, name) => words[name]);
const microphone = () => document.getElementById(LIMITS.microphone);
const stopButton = () => microphone() && microphone().querySelector(".stop-button, .stop-button-paused, .spinner-button");

function colour(name) {
    if (!colours.has(name)) colours.set(name, COLOURS[colours.size % COLOURS.length]);
    return colours.get(name);
}

function tell(key, words) {
    problem.textContent = key ? fill(WORDS[key], words || {}) : "";
    problem.hidden = !key;
    problem.dataset.problem = key || "";
}

function stop(key, words) {
    const button = stopButton();
    if (button) button.click();
    running = false;
    element.dataset.listening = "";
    showNow(null);
    tell(key, words);
}

function showNow(moment) {  // [number, start, end, label or "" (quiet) or null (none of these), score, closest, dB]
    let text = running ? WORDS.starting : WORDS.idle, small = "";
    if (moment && moment[3]) { text = moment[3]; small = fill(WORDS.sure, {score: Math.round(100 * moment[4])}); }
    else if (moment && moment[3] === "") text = WORDS.quiet;
    else if (moment) { text = WORDS.none; small = fill(WORDS.closest, {label: moment[5], score: Math.round(100 * moment[4])}); }
    label.textContent = text;
    score.textContent = small;
    if (text !== said) { spoken.textContent = text; said = text; }
}

function showCounts(pairs) {
    if (!pairs.length) { counts.replaceChildren(Object.assign(document.createElement("li"), {textContent: WORDS.nothing})); return; }
    counts.replaceChildren(...pairs.map(([name, count]) => {
        const item = document.createElement("li"), chip = document.createElement("i");
        chip.style.background = colour(name);
        item.append(chip, fill(WORDS.times, {label: name, count}));
        return item;
    }));
}

function draw() {
    const scale = window.devicePixelRatio || 1, width = picture.clientWidth, height = picture.clientHeight;
    if (!width) return;
    if (picture.width !== Math.round(width * scale)) { picture.width = Math.round(width * scale); picture.height = Math.round(height * scale); }
    const pen = picture.getContext("2d"), style = getComputedStyle(element.querySelector(".lv"));
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    const late = running && newest ? Math.min((performance.now() - arrived) / 1000, 1.5) : 0;
    const now = newest ? newest[2] + late : 0, x = (seconds) => width + (seconds - now) / SHOWN_SECONDS * width;
    pen.fillStyle = pen.strokeStyle = style.color;
    pen.textBaseline = "middle";
    for (let ago = 0; ago <= SHOWN_SECONDS; ago += width < 500 ? 20 : 10) {
        const at = width * (1 - ago / SHOWN_SECONDS);
        pen.textAlign = ago === 0 ? "right" : ago === SHOWN_SECONDS ? "left" : "center";
        pen.fillText(ago === 0 ? WORDS.now : fill(WORDS.ago, {seconds: -ago}), at + (ago === 0 ? -3 : ago === SHOWN_SECONDS ? 3 : 0), height - AXIS / 2);
        pen.globalAlpha = 0.2; pen.fillRect(at, 0, 1, height - AXIS); pen.globalAlpha = 1;
    }
    let run = null;
    const band = () => {
        if (!run || !run.name) return;
        const left = Math.max(x(run.start), 0), right = x(run.end);
        pen.fillStyle = colour(run.name);
        pen.fillRect(left, LEVELS + 4, Math.max(right - left, 2), BANDS - 4);
        if (right - left > 26) {
            pen.save();
            pen.beginPath(); pen.rect(left, LEVELS, right - left - 2, BANDS); pen.clip();
            pen.fillStyle = DARK_TEXT.has(colour(run.name)) ? "#000" : "#fff";
            pen.textAlign = "left"; pen.font = "600 13px system-ui, sans-serif";
            pen.fillText(run.name, left + 5, LEVELS + BANDS / 2 + 2);
            pen.restore();
        }
    };
    for (const moment of moments.values()) {
        if (moment[2] < now - SHOWN_SECONDS - 2) continue;
        const loud = Math.max(0, 1 - moment[6] / LOWEST_DB) * LEVELS, left = x(moment[1]);
        pen.fillStyle = "#0d9488";
        pen.fillRect(left, LEVELS - Math.max(loud, 1), Math.max(x(moment[2]) - left - 0.5, 1), Math.max(loud, 1));
        if (moment[3] === null) { pen.globalAlpha = 0.25; pen.fillStyle = style.color; pen.fillRect(left, LEVELS + 4, x(moment[2]) - left, BANDS - 4); pen.globalAlpha = 1; }
        if (run && run.name === moment[3] && Math.abs(run.end - moment[1]) < 0.05) run.end = moment[2];
        else { band(); run = {name: moment[3], start: moment[1], end: moment[2]}; }
    }
    band();
    element.dataset.now = now.toFixed(2);
}

function forget() {
    moments = new Map(); newest = null; began = arrived = performance.now();
    showCounts([]);
    tell("");
}

function animate() {
    if (!running) return;
    draw();
    requestAnimationFrame(animate);
}

watch("value", () => {
    const value = props.value;
    if (!value) return;
    arrived = performance.now();
    if (value.ended) { if (value.ended !== "stopped" || running) stop(value.ended, {minutes: LIMITS.minutes}); draw(); return; }
    if (value.session !== session) { session = value.session; forget(); }
    if (problem.dataset.problem === "lost") tell("");
    for (const moment of value.moments) moments.set(moment[0], moment);
    while (moments.size > 400) moments.delete(moments.keys().next().value);
    newest = value.moments[value.moments.length - 1] || newest;
    element.dataset.moments = value.number;
    if (running) showNow(newest);
    showCounts(value.counts);
    draw();
});

setInterval(() => {  // the microphone's own button tells whether it runs
    if (!element.isConnected) return;
    const hidden = !element.offsetParent, going = Boolean(stopButton());
    if (going && hidden) { stop("left"); return; }
    if (going && !running) {
        running = true;
        element.dataset.listening = "yes";
        forget(); showNow(null); requestAnimationFrame(animate);
    } else if (!going && running) stop("stopped");
    else if (running && performance.now() - arrived > LOST_MS) tell("lost");
}, LOOK_MS);

// gradio's own microphone says little of why there is none
const media = navigator.mediaDevices;
if (!media) tell("insecure");
else if (!media.explained) {
    const ask = media.getUserMedia.bind(media);
    media.explained = true;
    media.getUserMedia = async (wanted) => {
        try { return await ask(wanted); } catch (error) {
            document.dispatchEvent(new CustomEvent("no-microphone", {detail: error.name}));
            throw error;
        }
    };
}
document.addEventListener("no-microphone", (event) => {
    if (!element.offsetParent) return;
    const key = {NotAllowedError: "denied", NotFoundError: "missing"}[event.detail] || "other";
    setTimeout(() => stop(key, {reason: event.detail}), 50);
});
new ResizeObserver(draw).observe(picture);
showCounts([]); showNow(null); draw();
