// Keys for people who rate many answers. Every page works without them, and none fires while somebody types.
const STORED = "feedback-keys";
const root = document.documentElement, list = document.getElementById("keys"), toggle = document.getElementById("keys-off");
const status = document.getElementById("status");
const one = selector => document.querySelector(selector);
const on = () => localStorage.getItem(STORED) !== "off";

function show() {
  root.classList.toggle("keyed", on());
  toggle.textContent = on() ? "Turn keys off" : "Turn keys on";
}

function isTyping(element) {
  return element.isContentEditable || /^(TEXTAREA|SELECT)$/.test(element.tagName) ||
    (element.tagName === "INPUT" && !/^(radio|checkbox|submit|button)$/.test(element.type));
}

function press(selector) {
  const control = one(selector);
  if (!control) return false;
  if (control.type === "radio") {
    control.checked = true;
    control.focus();
    control.dispatchEvent(new Event("change", { bubbles: true }));
  } else {
    control.click();
  }
  return true;
}

// Stars go to the dimension that has the focus, otherwise to the first one.
function star(value) {
  const group = document.activeElement.closest("fieldset.dimension") || one("fieldset.dimension");
  return group !== null && press(`#${group.id} input[value="${value}"]`);
}

const keys = {
  u: () => press('input[name="thumbs"][value="up"]'),
  d: () => press('input[name="thumbs"][value="down"]'),
  a: () => press('button[name="choice"][value="a"]'),
  b: () => press('button[name="choice"][value="b"]'),
  s: () => press('button[name="choice"][value="tie"]'),
  k: () => press("#skip"),
  z: () => press(".undo"),
  "?": () => { list.showModal(); return true; },
};
for (const value of "12345") keys[value] = () => star(value);

document.addEventListener("keydown", event => {
  if (event.isComposing || event.repeat || list.open || !on()) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    if (press("#send")) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const act = keys[event.key.toLowerCase()];
  if (act && act()) event.preventDefault();
});

// A second click must not send a form again while the first one travels; a page from the back button is ready anew.
let sending = false;
document.addEventListener("submit", event => {
  if (sending) event.preventDefault();
  sending = true;
});
addEventListener("pageshow", () => { sending = false; });

toggle.addEventListener("click", () => { localStorage.setItem(STORED, on() ? "off" : "on"); show(); });
one("#keys-show").addEventListener("click", () => list.showModal());
// A live region is read out only if it changes after the page is there.
if (status && status.textContent.trim()) {
  const text = status.textContent;
  status.textContent = "";
  setTimeout(() => { status.textContent = text; }, 150);
}
show();
