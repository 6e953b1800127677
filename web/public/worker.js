// The shell of the pages (what is in assets/ and has a hash in its name) is kept, so that an open page finds its parts also after an
// upgrade of the server, and opens without a network far enough to say so. Pages come from the server where it can be reached, and
// nothing of the API is ever kept. Notifications of calls are shown here, since phones know no others.

const KEPT = "shell-%VERSION%";
const FILES = []; // %FILES%
const PAGE = "/phone";

async function install() {
  const cache = await caches.open(KEPT);
  const wanted = [];
  for (const file of FILES) {
    const old = await caches.match(file, { ignoreVary: true });
    if (old) await cache.put(file, old);
    else wanted.push(file);
  }
  await cache.addAll([PAGE, ...wanted]);
}

// This version's, and the one before: pages of that are still open.
async function forget() {
  const old = (await caches.keys()).filter((name) => name.startsWith("shell-") && name !== KEPT);
  await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
}

async function asset(request) {
  const found = await caches.match(request, { ignoreVary: true });
  if (found) return found;
  const answer = await fetch(request);
  if (answer.status === 200) await (await caches.open(KEPT)).put(request, answer.clone());
  return answer;
}

async function page(request) {
  try {
    return await fetch(request);
  } catch (problem) {
    const kept = await caches.match(PAGE, { cacheName: KEPT, ignoreVary: true });
    if (kept) return kept;
    throw problem;
  }
}

addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(install());
});

addEventListener("activate", (event) => event.waitUntil(forget().then(() => clients.claim())));

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith("/assets/")) event.respondWith(asset(request));
  else if (request.mode === "navigate" && !pathname.startsWith("/api/")) event.respondWith(page(request));
});

let done = Promise.resolve();

// One after the other: a notification is closed when its call has ended before it was shown, and not when it came after.
addEventListener("message", (event) => {
  const { show, options, keep } = event.data ?? {};
  const data = { page: event.source.id };
  const work = async () => {
    if (show) return registration.showNotification(show, { ...options, data });
    if (!keep) return;
    for (const one of await registration.getNotifications()) if (!keep.includes(one.tag)) one.close();
  };
  done = done.then(work).catch(() => undefined);
  event.waitUntil(done);
});

addEventListener("notificationclick", (event) => {
  const { notification, action } = event;
  notification.close();
  event.waitUntil(
    clients.get(notification.data.page).then((page) => {
      if (!page) return clients.openWindow(PAGE);
      page.postMessage({ notice: notification.tag, act: action });
      return action === "decline" ? undefined : page.focus();
    }),
  );
});
