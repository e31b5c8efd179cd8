// The view of a sound: picture, marks, playhead, playing. WORDS, HEARS (parts of a sound that is not here can be asked
// for) and LONGEST (seconds of such a part) are put before it by sound_view.py; `element`, `trigger`, `props` and `watch` are given by gradio. Plain JavaScript; nothing is fetched from anywhere.
const find = (name) => element.querySelector(".sv-" + name);
const [empty, shown, hz, scroll, plot, wave, picture, seek, marks, head, ticks, playButton, time, wider, closer, said] = [
    "empty", "shown", "hz", "scroll", "plot", "wave", "picture", "seek", "marks", "head", "ticks", "play", "time",
    "wider", "closer", "said"].map(find);
const COLOURS = ["#56b4e9", "#e69f00", "#2fc79a", "#f0a3d0", "#f0e442", "#ff8a4c"];  // bright: they lie on dark
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600];
const TICK_PIXELS = 72, LABEL_PIXELS = 30, LARGEST_ZOOM = 256, PATIENCE_MS = 20000;

let value = null, position = 0, zoom = 1, chosen = -1;
let speaker = null, source = null, running = null, waiting = null, number = 0, drawing = 0;
const decoded = new Map();  // the last sounds by address

const fill = (text, words) => text.replace(/\{(\w+)\}/g, (_, name) => words[name]);
const clamp = (number, low, high) => Math.min(Math.max(number, low), high);

function clock(seconds, digits) {
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60, rest = seconds % 60;
    const shownSeconds = rest.toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
    return (hours ? hours + ":" + String(minutes).padStart(2, "0") : minutes) + ":" + shownSeconds;
}

function told(seconds) {
    return value.seconds < 60 ? seconds.toFixed(value.seconds < 10 ? 2 : 1) + " s" : clock(seconds, 1);
}

function name(mark, index) {
    const label = mark.label || fill(WORDS.unnamed, {number: index + 1});
    return mark.score === null ? label : label + " " + Math.round(100 * mark.score) + "%";
}

// --- drawing

function show() {
    halt();
    value = props.value && props.value.seconds > 0 ? props.value : null;
    empty.hidden = value !== null;
    shown.hidden = value === null;
    position = 0; zoom = 1; chosen = -1; waiting = null;
    said.textContent = "";
    if (value === null) { picture.removeAttribute("src"); return; }
    picture.src = value.picture;
    wave.setAttribute("viewBox", "0 -1 " + value.lows.length + " 2");
    const top = value.highs.map((high, x) => "L" + x + " " + -high / 100 + "L" + (x + 1) + " " + -high / 100);
    const bottom = value.lows.map((low, x) => "L" + (x + 1) + " " + -low / 100 + "L" + x + " " + -low / 100);
    wave.firstElementChild.setAttribute("d", "M0 0" + top.join("") + bottom.reverse().join("") + "Z");
    hz.replaceChildren(...value.hz.map(([place, text]) => {
        const tick = document.createElement("span");
        tick.textContent = text;
        tick.style.top = 68 + 160 * (1 - place) + "px";
        return tick;
    }));
    playButton.hidden = !playable();
    wider.hidden = closer.hidden = value.seconds < 20;
    drawMarks();
    lay();
}

function drawMarks() {
    const labels = [...new Set(value.marks.map((mark) => mark.label))];
    marks.replaceChildren(...value.marks.map((mark, index) => {
        const button = document.createElement("button"), label = document.createElement("span");
        button.type = "button";
        button.className = "sv-mark";
        button.tabIndex = index === 0 ? 0 : -1;
        button.style.setProperty("--mark", mark.label ? COLOURS[labels.indexOf(mark.label) % COLOURS.length] : "#fff");
        button.style.setProperty("--fill", Math.round((mark.label ? 24 : 45) * clamp(mark.strength, 0, 1)) + "%");
        button.style.left = 100 * mark.start / value.seconds + "%";
        button.style.width = 100 * (mark.end - mark.start) / value.seconds + "%";
        const within = mark.low !== null && mark.high !== null;  // else over waveform and spectrogram
        button.style.top = within ? 68 + 160 * (1 - mark.high) + "px" : "0";
        button.style.height = within ? Math.max(8, 160 * (mark.high - mark.low)) + "px" : "100%";
        label.textContent = mark.label ? name(mark, index) : "";
        label.hidden = !mark.label;
        button.append(label);
        const what = fill(WORDS.mark, {label: name(mark, index), start: told(mark.start), end: told(mark.end)});
        button.title = what;
        button.setAttribute("aria-label", what);
        button.addEventListener("click", () => choose(index));
        return button;
    }));
    marks.hidden = value.marks.length === 0;
}

function lay() {  // what depends on the width
    if (value === null || !scroll.clientWidth) return;
    plot.style.width = 100 * zoom + "%";
    const width = scroll.clientWidth * zoom;
    const step = STEPS.find((step) => width * step / value.seconds >= TICK_PIXELS) || STEPS[STEPS.length - 1];
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const from = Math.floor(scroll.scrollLeft / width * value.seconds / step) - 1, shownTicks = [];
    for (let at = Math.max(0, from); at * step <= value.seconds + 1e-6 && shownTicks.length < 60; at++) {
        const tick = document.createElement("span"), x = at * step / value.seconds;
        tick.textContent = value.seconds < 60 ? (at * step).toFixed(digits) + " s" : clock(at * step, digits);
        tick.style.left = 100 * x + "%";
        tick.className = x * width < 20 ? "first" : (1 - x) * width < 20 ? "last" : "";
        shownTicks.push(tick);
    }
    ticks.replaceChildren(...shownTicks);
    [...marks.children].forEach((button, index) => {
        const mark = value.marks[index];
        button.classList.toggle("narrow", (mark.end - mark.start) / value.seconds * width < LABEL_PIXELS);
    });
    wider.disabled = zoom <= 1;
    closer.disabled = zoom >= Math.min(LARGEST_ZOOM, value.seconds / 5);
    place();
}

function place() {
    head.style.left = 100 * position / value.seconds + "%";
    const now = fill(WORDS.of, {now: told(position), all: told(value.seconds)});
    time.textContent = value.seconds < 60 ? position.toFixed(1) + " / " + told(value.seconds) : clock(position, 1) + " / " + clock(value.seconds, 0);
    seek.setAttribute("aria-valuenow", position.toFixed(2));
    seek.setAttribute("aria-valuemax", value.seconds.toFixed(2));
    seek.setAttribute("aria-valuetext", now);
}

function zoomTo(wanted) {
    const width = scroll.clientWidth;
    const middle = chosen >= 0 ? value.marks[chosen].start / value.seconds : (scroll.scrollLeft + width / 2) / (width * zoom);
    zoom = clamp(wanted, 1, LARGEST_ZOOM);
    lay();
    scroll.scrollLeft = middle * width * zoom - width / 2;
}

// --- playing

function playable() { return Boolean(value && (value.sound || HEARS)); }

function halt() {
    if (source) { source.onended = null; try { source.stop(); } catch { /* had not begun */ } }
    source = running = null;
    cancelAnimationFrame(drawing);
    element.dataset.playing = "";
    playButton.textContent = WORDS.play;
}

async function samples(address) {
    if (!decoded.has(address)) {
        const bytes = await (await fetch(address)).arrayBuffer();
        if (decoded.size >= 3) decoded.delete(decoded.keys().next().value);
        decoded.set(address, await speaker.decodeAudioData(bytes));
    }
    return decoded.get(address);
}

async function play(from, to, what) {
    halt();
    waiting = null;
    if (!playable()) return;
    speaker = speaker || new AudioContext();
    speaker.resume();  // begun by a click or a key
    const part = props.part;
    if (value.sound) return sound(value.sound, 0, from, to, what);
    if (part && part.of === value.number && part.sound && part.start <= from + 1e-3 && part.end >= to - 1e-3) {
        return sound(part.sound, part.start, from, to, what);
    }
    waiting = {number: ++number, from, to, what};
    said.textContent = WORDS.fetching;
    const asked = waiting;
    setTimeout(() => { if (waiting === asked) { waiting = null; said.textContent = WORDS.silent; } }, PATIENCE_MS);
    trigger("hear", {start: from, end: to, number: asked.number, of: value.number});
}

async function sound(address, start, from, to, what) {
    const owner = value, mine = ++number;
    let buffer;
    try { buffer = await samples(address); } catch { said.textContent = WORDS.unplayable; return; }
    if (owner !== value || mine !== number) return;  // something else was asked for meanwhile
    source = speaker.createBufferSource();
    source.buffer = buffer;
    source.connect(speaker.destination);
    running = {from, to, began: speaker.currentTime};
    source.onended = () => { position = running.to; halt(); place(); };
    source.start(0, clamp(from - start, 0, buffer.duration), Math.max(0.01, to - from));
    element.dataset.playing = from.toFixed(2) + "-" + to.toFixed(2);
    playButton.textContent = WORDS.pause;
    said.textContent = what ? fill(WORDS.playing, {what}) : "";
    follow();
}

function follow() {
    if (!running) return;
    position = clamp(running.from + speaker.currentTime - running.began, running.from, running.to);
    place();
    const x = position / value.seconds * plot.clientWidth;
    if (zoom > 1 && (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth)) scroll.scrollLeft = x - 40;
    drawing = requestAnimationFrame(follow);
}

function playOn() {
    const from = position >= value.seconds - 0.02 ? 0 : position;
    play(from, value.sound ? value.seconds : Math.min(value.seconds, from + LONGEST));
}

function moveTo(seconds) {
    const going = Boolean(running || waiting);
    position = clamp(seconds, 0, value.seconds);
    halt();
    waiting = null;
    place();
    if (going) playOn();
}

function choose(index) {
    const mark = value && value.marks[index];
    if (!mark) return;
    chosen = index;
    [...marks.children].forEach((button, at) => {
        button.classList.toggle("chosen", at === index);
        button.tabIndex = at === index ? 0 : -1;
    });
    position = mark.start;
    place();
    const x = mark.start / value.seconds * plot.clientWidth;
    if (zoom > 1 && (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth)) scroll.scrollLeft = x - 40;
    said.textContent = name(mark, index);
    trigger("select", {index});
    play(mark.start, value.sound ? mark.end : Math.min(mark.end, mark.start + LONGEST), name(mark, index));
}

// --- what a person does

playButton.addEventListener("click", () => { if (running || waiting) { halt(); waiting = null; said.textContent = ""; } else playOn(); });
wider.addEventListener("click", () => zoomTo(zoom / 2));
closer.addEventListener("click", () => zoomTo(zoom * 2));
seek.addEventListener("click", (event) => {
    const box = seek.getBoundingClientRect();
    moveTo((event.clientX - box.left) / box.width * value.seconds);
    if (!running && !waiting) playOn();
});
seek.addEventListener("keydown", (event) => {
    const step = Math.max(0.1, value.seconds / 50);
    const places = {ArrowLeft: position - step, ArrowDown: position - step, ArrowRight: position + step,
        ArrowUp: position + step, PageDown: position - 5 * step, PageUp: position + 5 * step, Home: 0, End: value.seconds};
    if (event.key in places) moveTo(places[event.key]);
    else if (event.key === " " || event.key === "Enter") playButton.click();
    else return;
    event.preventDefault();
});
marks.addEventListener("keydown", (event) => {
    const buttons = [...marks.children], at = buttons.indexOf(document.activeElement);
    const next = {ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1, Home: 0, End: buttons.length - 1}[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    buttons.forEach((button) => { button.tabIndex = -1; });
    const button = buttons[clamp(next, 0, buttons.length - 1)];
    button.tabIndex = 0;
    button.focus();
});
scroll.addEventListener("scroll", () => { if (zoom > 1) lay(); });
new ResizeObserver(lay).observe(scroll);
new IntersectionObserver(([seen]) => { if (!seen.isIntersecting && !element.offsetParent) halt(); }).observe(element);

watch("value", show);
watch("part", () => {
    const part = props.part;
    if (!waiting || !part || part.number !== waiting.number) return;
    const {from, to, what} = waiting;
    waiting = null;
    if (!part.sound) { said.textContent = part.problem || WORDS.silent; return; }
    sound(part.sound, part.start, from, Math.min(to, part.end), what);
});
watch("shown", () => { if (props.shown) choose(props.shown.index); });  // an event of the page chose a mark
show();
