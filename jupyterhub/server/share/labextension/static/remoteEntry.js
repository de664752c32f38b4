/*
 * JupyterLab's side of maru_server: shows that this server is about to end, with a Keep button, and
 * what happened to it. Written by hand as the container that JupyterLab's module federation expects
 * (init, get), so it needs no build and no package of its own: all it uses, JupyterLab shares.
 */
'use strict';

(() => {
  const NAME = 'maru-server';
  // Of notices that some page of this browser has shown already.
  const SHOWN_KEY = 'maru-server:shown';
  const MOST_REMEMBERED = 200;
  const POLL_AFTER_FAILURE_MS = 15000;
  // JupyterLab cuts a notification here.
  const MOST_CHARACTERS = 140;

  let shared = null;

  /** Return a module that JupyterLab shares: its highest version. */
  async function sharedModule(name) {
    const versions = shared[name] || {};
    const parts = version => version.split(/[.-]/).map(part => parseInt(part, 10) || 0);
    const newest = Object.keys(versions).sort((a, b) => {
      const [x, y] = [parts(a), parts(b)];
      return y[0] - x[0] || y[1] - x[1] || y[2] - x[2];
    })[0];
    if (newest === undefined) {
      throw new Error(`${NAME}: JupyterLab shares no ${name}`);
    }
    return (await versions[newest].get())();
  }

  /** Return the ids of the notices that were shown, oldest first. */
  function shownIds() {
    try {
      return JSON.parse(window.localStorage.getItem(SHOWN_KEY)) || [];
    } catch {
      return [];
    }
  }

  function rememberShown(id) {
    try {
      const ids = [...shownIds(), id].slice(-MOST_REMEMBERED);
      window.localStorage.setItem(SHOWN_KEY, JSON.stringify(ids));
    } catch {
      // Without storage a notice is shown again by the next page.
    }
  }

  function minutes(seconds) {
    return seconds > 90 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds)} seconds`;
  }

  /** One page's view of its server. */
  class Watch {
    constructor(Notification, showText, request) {
      this.notification = Notification;
      this.showText = showText;
      this.request = request;
      this.warningId = null;
      this.shown = new Set(shownIds());
    }

    /** Ask, show, and ask again for as long as the page is open. */
    async poll() {
      let pause = POLL_AFTER_FAILURE_MS;
      try {
        pause = this.show(await this.request('idle', 'GET'));
      } catch (error) {
        // The server has ended or the network is gone: JupyterLab says so itself.
        this.dismissWarning();
      }
      window.setTimeout(() => void this.poll(), pause);
    }

    /** Show a state of the server; return after how many milliseconds to ask again. */
    show(state) {
      state.notices.forEach(notice => this.showNotice(notice));
      if (state.warning) {
        this.showWarning(state);
      } else {
        this.dismissWarning();
      }
      return state.poll_s * 1000;
    }

    showNotice(notice) {
      if (this.shown.has(notice.id)) {
        return;
      }
      this.shown.add(notice.id);
      rememberShown(notice.id);
      const lasts = notice.level === 'warning' || notice.level === 'error';
      const details = { label: 'Details', callback: () => void this.showText(notice.text) };
      this.notification.emit(notice.text, notice.level, {
        autoClose: lasts ? false : 20000,
        actions: notice.text.length > MOST_CHARACTERS ? [details] : []
      });
    }

    showWarning(state) {
      const text =
        `This server ends in ${minutes(state.ends_in_s)}: nothing has run for ` +
        `${minutes(state.idle_s)}. Kernels and terminals end with it; files stay as saved.`;
      if (this.warningId !== null) {
        // Whoever closed it has read it.
        if (this.notification.manager.has(this.warningId)) {
          this.notification.update({ id: this.warningId, message: text });
        }
      } else {
        this.warningId = this.notification.emit(text, 'warning', {
          autoClose: false,
          actions: [{ label: 'Keep', displayType: 'accent', callback: () => void this.keep() }]
        });
      }
    }

    dismissWarning() {
      if (this.warningId !== null) {
        this.notification.dismiss(this.warningId);
        this.warningId = null;
      }
    }

    async keep() {
      try {
        this.warningId = null;
        this.show(await this.request('keep', 'POST'));
      } catch (error) {
        this.notification.emit(`The server could not be kept: ${error.message}`, 'error');
      }
    }
  }

  async function activate(app) {
    const { Dialog, Notification, showDialog } = await sharedModule('@jupyterlab/apputils');
    const { ServerConnection } = await sharedModule('@jupyterlab/services');
    const settings = ServerConnection.makeSettings();
    const request = async (path, method) => {
      const url = `${settings.baseUrl}maru/${path}`;
      // It sends the token and the XSRF cookie as JupyterLab's own requests do.
      const response = await ServerConnection.makeRequest(url, { method }, settings);
      if (!response.ok) {
        throw new Error(`${response.status} ${response.statusText}`);
      }
      return response.json();
    };
    const showText = body => showDialog({ title: 'maru', body, buttons: [Dialog.okButton()] });
    // Before, JupyterLab counts a notification without showing it.
    await app.restored;
    void new Watch(Notification, showText, request).poll();
  }

  const plugin = {
    id: `${NAME}:idle`,
    description: 'Shows when this server is about to end, and what happened to it.',
    autoStart: true,
    activate: app => void activate(app)
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: scope => {
      shared = scope;
    },
    get: async () => () => ({ __esModule: true, default: [plugin] })
  };
})();
