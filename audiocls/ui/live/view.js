// The microphone, and what is heard with it: the label now, the last minute, the counts. It sends pieces of the sound
// one after the other, the next one when the last was answered: where the app is slow, pieces get longer, none is lost.
// WORDS and LIMITS are put before it by live_view.py; `element`, `props`, `trigger` and `watch` are given by gradio.
const find = (name) => element.querySelector(".lv-" + name);
const [button, label, score, problem, picture, counts, spoken] =
    ["button", "label", "score", "problem", "picture", "counts", "spoken"].map(find);
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6bb1", "#7f7f7f"];
const DARK_TEXT = new Set(["#56b4e9", "#e69f00", "#cc79a7"]);
const SHOWN_SECONDS = 60, LEVELS = 46, BANDS = 58, AXIS = 22, LOWEST_DB = -70, LOST_MS = 6000, LOOK_MS = 200;

let moments = new Map(), newest = null, arrived = 0, running = false, began = 0, said = "", session = 0;
const colours = new Map();

const fill = (text, words) => text.replace(/\{(\w+)\}/g, (_, name) => words[name]);

function colour(name) {
    if (!colours.has(name)) colours.set(name, COLOURS[colours.size % COLOURS.length]);
    return colours.get(name);
}

function tell(key, words) {
    problem.textContent = key ? fill(WORDS[key], words || {}) : "";
    problem.hidden = !key;
    problem.dataset.problem = key || "";
}

// --- the microphone

const CAPTURE = `registerProcessor("capture", class extends AudioWorkletProcessor {
    process(inputs) { if (inputs[0].length) this.port.postMessage(inputs[0].map((channel) => channel.slice())); return true; }
});`;
const PLAIN = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};  // these are made for calls
let stream = null, context = null, pieces = [], held = 0, admitted = false, waiting = 0;

async function start() {
    if (running) return;
    if (!navigator.mediaDevices || !window.AudioWorkletNode) { tell("insecure"); return; }
    running = true;
    began = performance.now();
    const mine = began;
    button.textContent = WORDS.stop;
    forget();
    showNow(null);
    try {
        const given = await navigator.mediaDevices.getUserMedia({audio: PLAIN});
        if (!running || began !== mine) { given.getTracks().forEach((track) => track.stop()); return; }
        stream = given;
        stream.getTracks().forEach((track) => { track.onended = () => stop("unplugged"); });
        context = new AudioContext();
        const code = URL.createObjectURL(new Blob([CAPTURE], {type: "text/javascript"}));
        await context.audioWorklet.addModule(code);
        URL.revokeObjectURL(code);
        if (!running || began !== mine) return;
        const capture = new AudioWorkletNode(context, "capture", {numberOfOutputs: 0});
        capture.port.onmessage = (message) => take(message.data);
        context.createMediaStreamSource(stream).connect(capture);
        await context.resume();
    } catch (error) {
        if (began !== mine) return;
        const key = {NotAllowedError: "denied", NotFoundError: "missing", SecurityError: "insecure"}[error.name] || "other";
        stop(key, {reason: error.message});
        return;
    }
    pieces = []; held = 0; admitted = false;
    element.dataset.listening = "yes";
    arrived = waiting = performance.now();
    trigger("begin", {});
    requestAnimationFrame(animate);
}

function stop(key, words) {
    const was = running;
    running = false;
    if (stream) stream.getTracks().forEach((track) => { track.onended = null; track.stop(); });
    if (context) context.close();
    stream = context = null;
    pieces = []; held = 0; admitted = false; waiting = 0;
    element.dataset.listening = "";
    button.textContent = WORDS.start;
    showNow(null);
    tell(key, words);
    if (was) trigger("finish", {});
}

function take(channels) {
    if (!running) return;
    const mixed = new Int16Array(channels[0].length);
    for (let at = 0; at < mixed.length; at++) {
        let sum = 0;
        for (const channel of channels) sum += channel[at];
        mixed[at] = Math.max(-32768, Math.min(32767, Math.round(32767 * sum / channels.length)));
    }
    pieces.push(mixed);
    held += mixed.length;
    while (held > LIMITS.longest * context.sampleRate) held -= pieces.shift().length;  // the app was silent for long
    if (admitted && !waiting && held >= LIMITS.step * context.sampleRate) send();
}

function send() {
    const bytes = new Uint8Array(2 * held), letters = [];
    let at = 0;
    for (const piece of pieces) { bytes.set(new Uint8Array(piece.buffer), at); at += 2 * piece.length; }
    for (let from = 0; from < bytes.length; from += 8192) letters.push(String.fromCharCode(...bytes.subarray(from, from + 8192)));
    pieces = []; held = 0;
    waiting = performance.now();
    trigger("piece", {sound: btoa(letters.join("")), rate: context.sampleRate});
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
    const runs = [];
    for (const moment of moments.values()) {
        if (moment[2] < now - SHOWN_SECONDS - 2) continue;
        const loud = Math.max(0, 1 - moment[6] / LOWEST_DB) * LEVELS, left = x(moment[1]);
        pen.fillStyle = "#0d9488";
        pen.fillRect(left, LEVELS - Math.max(loud, 1), Math.max(x(moment[2]) - left - 0.5, 1), Math.max(loud, 1));
        if (moment[3] === null) { pen.globalAlpha = 0.25; pen.fillStyle = style.color; pen.fillRect(left, LEVELS + 4, x(moment[2]) - left, BANDS - 4); pen.globalAlpha = 1; }
        const run = runs[runs.length - 1];
        if (run && run.name === moment[3] && Math.abs(run.end - moment[1]) < 0.05) run.end = moment[2];
        else runs.push({name: moment[3], start: moment[1], end: moment[2]});
    }
    const named = runs.filter((run) => run.name), middle = LEVELS + BANDS / 2 + 2;
    pen.font = "600 13px system-ui, sans-serif";
    pen.textAlign = "left";
    named.forEach((run, index) => {
        const left = Math.max(x(run.start), 0), right = Math.max(x(run.end), left + 3), wide = pen.measureText(run.name).width;
        pen.fillStyle = colour(run.name);
        pen.fillRect(left, LEVELS + 4, right - left, BANDS - 4);
        if (right - left > wide + 8) {
            pen.fillStyle = DARK_TEXT.has(colour(run.name)) ? "#000" : "#fff";
            pen.fillText(run.name, left + 5, middle);
        } else if (right + wide + 8 < (named[index + 1] ? x(named[index + 1].start) : width)) {
            pen.fillStyle = style.color;
            pen.fillText(run.name, right + 4, middle);
        }
    });
    element.dataset.now = now.toFixed(2);
}

function forget() {
    moments = new Map(); newest = null; arrived = performance.now();
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
    if (!value || !running) return;
    arrived = performance.now();
    if (value.ended) { stop(value.ended, {minutes: LIMITS.minutes}); draw(); return; }
    if (value.session < session) return;  // of a listening before
    session = value.session;
    if (waiting) element.dataset.answered = Math.round(arrived - waiting);
    admitted = true; waiting = 0;
    if (problem.dataset.problem === "lost") tell("");
    for (const moment of value.moments) moments.set(moment[0], moment);
    while (moments.size > 400) moments.delete(moments.keys().next().value);
    newest = value.moments[value.moments.length - 1] || newest;
    element.dataset.moments = value.number;
    showNow(newest);
    showCounts(value.counts);
    draw();
});

button.addEventListener("click", () => { if (running) stop(""); else start(); });
const clock = setInterval(() => {
    if (!element.isConnected) { if (running) stop("left"); clearInterval(clock); return; }
    if (running && !element.offsetParent) { stop("left"); return; }
    if (running && waiting && performance.now() - waiting > LOST_MS) {
        tell("lost");
        if (admitted) waiting = 0; else { waiting = performance.now(); trigger("begin", {}); }  // once more
    }
}, LOOK_MS);
window.addEventListener("pagehide", () => { if (running) stop("left"); });
new ResizeObserver(draw).observe(picture);
showCounts([]); showNow(null); draw();
