// Browsers start no worker for a page that was opened from a folder. The search then runs in a hidden
// frame that takes and gives messages as a worker does; nothing is fetched from anywhere.
(function () {
  if (location.protocol !== "file:") return;
  class IFrameWorker extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inner = frame.contentWindow;
      const page = frame.contentDocument;
      const outer = this;
      this.inner.postMessage = (data) => outer.dispatchEvent(new MessageEvent("message", { data }));
      this.inner.importScripts = (...urls) =>
        urls.reduce((before, one) => before.then(() => this.load(page, one)), Promise.resolve());
      this.ready = this.load(page, new URL(url, document.baseURI).href);
    }
    load(page, url) {
      return new Promise((done, failed) => {
        const script = page.createElement("script");
        script.src = url;
        script.onload = done;
        script.onerror = failed;
        page.body.appendChild(script);
      });
    }
    postMessage(data) {
      this.ready.then(() => this.inner.dispatchEvent(new this.inner.MessageEvent("message", { data })));
    }
    set onmessage(listener) {
      this.addEventListener("message", listener);
    }
    terminate() {}
  }
  window.IFrameWorker = window.Worker = IFrameWorker;
})();
