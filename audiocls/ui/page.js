// Runs once when the page comes up: mends what gradio's own elements lack for those who listen to a page or use it by
// keyboard, as they appear, and lets the microphone record sounds as they are.
let planned = false;
const mend = () => {
    planned = false;
    document.querySelectorAll("div.empty[aria-label]:not([role])").forEach((e) => e.setAttribute("role", "img"));
    document.querySelectorAll(":is(pre, .prose table, figure.wide):not([tabindex])").forEach((e) =>
        e.setAttribute("tabindex", "0"));
    document.querySelectorAll("button:not([aria-label]) > .image-frame").forEach((e) =>
        e.parentElement.setAttribute("aria-label", e.querySelector("img")?.alt || "picture"));
    document.querySelectorAll("input[title]:not([aria-label])").forEach((e) => e.setAttribute("aria-label", e.title));
    // What says it is a button and holds another one; the inner one is what works.
    document.querySelectorAll(".toast-header[role=button]").forEach((e) => e.setAttribute("role", "group"));
    document.querySelectorAll("button[aria-label='common.upload']").forEach((e) => {
        for (const each of [e, ...e.querySelectorAll("button")]) { each.ariaLabel = each.title = WORDS.more; }
        e.setAttribute("role", "group");
        e.tabIndex = -1;
    });
};
// Browsers treat a microphone as if for calls: what is not speech is taken for noise, and quiet sounds made loud.
const devices = navigator.mediaDevices, ask = devices?.getUserMedia.bind(devices);
const plain = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
if (ask) devices.getUserMedia = (wanted) => ask(
    wanted?.audio ? {...wanted, audio: wanted.audio === true ? plain : {...plain, ...wanted.audio}} : wanted);
new MutationObserver(() => {
    if (!planned) { planned = true; requestAnimationFrame(mend); }
}).observe(document.documentElement, {childList: true, subtree: true});
