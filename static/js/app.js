/* Owns what the page does beyond links and forms: themes, the drawer, toasts, shortcuts, and manners around htmx.
   Everything works without it. No inline code and no eval, so the strictest content policy holds. */
(function () {
  "use strict";
  const root = document.documentElement;
  const body = document.body;
  const find = (selector, within) => (within || document).querySelector(selector);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));

  /* Theme: the dark sheet's media attribute decides; the form also tells the server, for the next page. */
  const MEDIA = { system: "(prefers-color-scheme: dark)", dark: "all", light: "not all" };
  function setTheme(theme) {
    root.dataset.theme = theme;
    find("#dark-theme").media = MEDIA[theme];
    all("[data-theme-choice]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.value === theme));
    });
  }
  document.addEventListener("submit", (event) => {
    if (!event.submitter || event.submitter.dataset.themeChoice === undefined) return;
    event.preventDefault();
    const data = new FormData(event.target, event.submitter);
    setTheme(event.submitter.value);
    fetch(event.target.action, { method: "POST", body: data, redirect: "manual" });
  });

  /* Toasts: gone after ten seconds, but not while pointed at or focused; errors stay; at most three. */
  const toasts = find("#toasts");
  function arm(toast) {
    if (toast.dataset.armed) return;
    toast.dataset.armed = "1";
    const seconds = toast.hasAttribute("data-stays") ? 0 : 10;
    let timer = 0;
    const start = () => { if (seconds) timer = setTimeout(() => toast.remove(), seconds * 1000); };
    const stop = () => clearTimeout(timer);
    ["mouseenter", "focusin"].forEach((name) => toast.addEventListener(name, stop));
    ["mouseleave", "focusout"].forEach((name) => toast.addEventListener(name, start));
    start();
  }
  function tidyToasts() {
    all(".toast", toasts).forEach(arm);
    const loose = all(".toast:not([data-stays])", toasts);
    loose.slice(0, Math.max(0, loose.length - 3)).forEach((toast) => toast.remove());
    raiseToasts();
  }
  function say(words, stays) {
    const toast = find("#toast-shape").content.firstElementChild.cloneNode(true);
    find("span", toast).textContent = words;
    if (stays) toast.setAttribute("data-stays", "");
    toasts.append(toast);
    tidyToasts();
  }
  /* A modal dialog covers everything below the top layer, so the toasts have to follow it there. */
  function raiseToasts() {
    if (!toasts.showPopover) return;
    if (toasts.matches(":popover-open")) toasts.hidePopover();
    if (find("dialog[open]") && toasts.childElementCount) toasts.showPopover();
  }

  /* Drawer: a link with hx-target="#drawer" fills it; its own address while open, the page's again after. */
  const drawer = find("#drawer");
  let under = null;
  let opener = null;
  function openDrawer(path) {
    if (drawer.open) {
      history.replaceState({ drawer: true }, "", path);
    } else {
      under = { state: history.state, url: location.href };
      history.pushState({ drawer: true }, "", path);
      drawer.showModal();
      raiseToasts();
    }
    const start = find("[data-focus]", drawer) || find("h2", drawer);
    if (start) start.focus({ preventScroll: true });
  }
  drawer.addEventListener("close", () => {
    if (under) history.replaceState(under.state, "", under.url);
    under = null;
    drawer.replaceChildren();
    raiseToasts();
    const back = opener && (opener.isConnected ? opener : opener.id && document.getElementById(opener.id));
    if (back) back.focus();
    opener = null;
  });
  window.addEventListener("popstate", () => {
    if (!drawer.open) return;
    under = null;
    drawer.close();
  });
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer || event.target.closest("[data-close]")) {
      event.preventDefault();
      drawer.close();
    }
  });

  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const words = copy.dataset.copy || new URL(copy.dataset.copyLink, location.href).href;
      navigator.clipboard.writeText(words).then(
        () => say("Copied."),
        () => say("Could not copy. Select the text and copy it by hand.", true)
      );
    }
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) dismiss.closest(".toast").remove();
    all("details.more[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  /* htmx: show who is busy, keep the focus, say what went wrong, and do not poll a page that nobody sees. */
  const button = (elt, event) =>
    (event && event.submitter) || (elt.matches("form") ? find("button:not([type=button])", elt) : elt);
  body.addEventListener("htmx:configRequest", (event) => {
    /* so that a write can answer with every part of the page that it may have changed */
    event.detail.headers["X-Parts"] = all("[data-part]").map((part) => part.dataset.part || part.id).join(" ");
    const panel = find("#panel");
    if (panel) event.detail.headers["X-Tab"] = panel.dataset.tab;
  });
  body.addEventListener("htmx:beforeRequest", (event) => {
    const elt = event.detail.elt;
    if (elt.hasAttribute("data-poll") && (document.hidden || Date.now() < Number(elt.dataset.waitUntil || 0))) {
      event.preventDefault();
      return;
    }
    const target = event.detail.target;
    if (target === drawer && !drawer.open) opener = elt;
    const pressed = button(elt, event.detail.requestConfig.triggeringEvent);
    if (pressed) pressed.setAttribute("aria-busy", "true");
  });
  body.addEventListener("htmx:afterRequest", (event) => {
    all("[aria-busy=true]", event.detail.elt).concat(event.detail.elt).forEach((elt) => elt.removeAttribute("aria-busy"));
    const elt = event.detail.elt;
    if (!elt.hasAttribute("data-poll")) return;
    const failures = event.detail.failed ? Number(elt.dataset.failures || 0) + 1 : 0;
    elt.dataset.failures = String(failures);
    elt.dataset.waitUntil = String(failures ? Date.now() + Math.min(30000, 1000 * 2 ** failures) : 0);
  });
  body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target === drawer) openDrawer(event.detail.pathInfo.responsePath || event.detail.pathInfo.requestPath);
    /* only a swap that took the focused control away may move the focus; a poll never does */
    if (document.activeElement === body || document.activeElement === drawer) {
      const start = find("[data-focus]", event.detail.elt.isConnected ? event.detail.elt : event.detail.target);
      if (start && !event.detail.elt.hasAttribute("data-poll")) start.focus();
    }
    tidyToasts();
    dress();
  });
  /* A session that ended answers with the way in: it must not take the place of what somebody is writing. */
  body.addEventListener("htmx:beforeSwap", (event) => {
    const from = new URL(event.detail.xhr.responseURL || location.href, location.href).pathname;
    if (!from.startsWith("/sign-in/") || location.pathname.startsWith("/sign-in/")) return;
    event.detail.shouldSwap = false;
    if (!event.detail.elt.hasAttribute("data-poll")) say("Your session ended. Sign in again in another tab, then repeat this; your text is still here.", true);
  });
  body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.elt.hasAttribute("data-poll")) return;
    const xhr = event.detail.xhr;
    const ours = xhr.getResponseHeader("X-Request-ID");
    const what = xhr.status === 403 ? "You may not do that, or your session ended. Sign in again; your text is still here."
      : xhr.status === 404 ? "That is not there any more. Reload the page to see what is."
      : "The server could not do that. Nothing was changed; try again.";
    say(what + (ours ? " (Request " + ours + ")" : ""), true);
  });
  body.addEventListener("htmx:sendError", (event) => {
    if (!event.detail.elt.hasAttribute("data-poll")) say("No connection. Your text is still here; try again.", true);
  });

  /* What is drawn from data: exact times in the reader's zone, the tab's icon by verdict. */
  function dress() {
    all("time[datetime*=T]:not([data-dressed])").forEach((time) => {
      time.dataset.dressed = "1";
      const local = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
      time.title = local + " (" + time.title + ")";
    });
    const verdict = find("#verdict[data-tone]");
    const icon = find("#favicon");
    const wanted = verdict && icon.dataset[verdict.dataset.tone];
    if (wanted && !icon.href.endsWith(wanted)) icon.href = wanted;
  }

  /* Keyboard: an element says its own key in data-key; "g b" is g, then b. All of it can be switched off. */
  let prefix = "";
  let prefixTimer = 0;
  const typing = (elt) => elt.isContentEditable || /^(input|textarea|select)$/i.test(elt.tagName);
  const seen = (elt) => elt.offsetParent !== null || elt.getClientRects().length > 0;
  function act(key) {
    const within = find("dialog[open]") || document;
    const target = all('[data-key="' + key.replace(/["\\]/g, "\\$&") + '"]', within).find(seen);
    if (!target) return false;
    /* focused first, so that what takes its place gets the focus, as after a click */
    target.focus({ preventScroll: !typing(target) });
    if (!typing(target)) target.click();
    return true;
  }
  function step(by) {
    const rows = all("[data-row]").filter(seen);
    if (!rows.length) return false;
    const here = rows.findIndex((row) => row.contains(document.activeElement) || row === document.activeElement);
    const next = rows[Math.min(rows.length - 1, Math.max(0, here + by))];
    (find("a, button", next) || next).focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  }
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      find("#search").focus();
      return;
    }
    const form = event.target.closest && event.target.closest("form");
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && form) {
      event.preventDefault();
      form.requestSubmit();
      return;
    }
    if (event.key === "Escape" && form && find("[data-cancel]", form)) {
      event.preventDefault();
      find("[data-cancel]", form).click();
      return;
    }
    if (event.key === "Escape" && find("details.more[open]")) {
      const menu = find("details.more[open]");
      menu.open = false;
      find("summary", menu).focus();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing(event.target)) {
      const undo = all(".toast form button", toasts).pop();
      if (undo) { event.preventDefault(); undo.click(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (body.dataset.shortcuts === "off" || event.key.length > 1) return;
    const key = event.shiftKey && /^[a-z]$/i.test(event.key) ? "Shift " + event.key.toLowerCase() : event.key;
    const whole = prefix ? prefix + " " + key : key;
    prefix = "";
    clearTimeout(prefixTimer);
    if (whole === "g") {
      prefix = "g";
      prefixTimer = setTimeout(() => { prefix = ""; }, 1500);
      return;
    }
    if (act(whole) || (whole === "j" && step(1)) || (whole === "k" && step(-1))) event.preventDefault();
  });

  tidyToasts();
  dress();
})();
