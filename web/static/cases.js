// Queue and case pages: rows by keyboard, live rows that never touch a form, and
// forms that keep what was typed while the centre is away.
(function () {
	'use strict';

	var list = document.getElementById('queue');

	// --- rows by keyboard: j and k, Enter opens ---

	function rows() { return Array.from(document.querySelectorAll('#queue .qmain')); }

	function move(step) {
		var all = rows();
		if (!all.length) { return; }
		var at = all.indexOf(document.activeElement);
		all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))].focus();
	}

	if (list) {
		document.addEventListener('keydown', function (event) {
			if (event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) { return; }
			if (event.key === 'j' || event.key === 'ArrowDown') { event.preventDefault(); move(1); }
			if (event.key === 'k' || event.key === 'ArrowUp') { event.preventDefault(); move(-1); }
		});
	}

	// --- live: the list is changed in place, the row in focus stays in focus ---

	function replaceRows(html) {
		var kept = document.activeElement && document.activeElement.closest('[data-row]');
		var id = kept && kept.dataset.row;
		var next = document.createElement('template');
		next.innerHTML = html;
		list.replaceChildren(next.content);
		if (id) {
			var again = list.querySelector('[data-row="' + CSS.escape(id) + '"] .qmain');
			if (again) { again.focus({ preventScroll: true }); }
		}
	}

	function follow() {
		var line = document.getElementById('line');
		var away = document.getElementById('away');
		var stream = new EventSource(list.dataset.feed);
		function say(word, css) { line.textContent = line.dataset[word]; line.className = css; }
		stream.addEventListener('open', function () { say('live', 'on'); });
		stream.addEventListener('error', function () { say('lost', 'off'); });
		stream.addEventListener('rows', function (event) { away.hidden = true; say('live', 'on'); replaceRows(event.data); });
		stream.addEventListener('tabs', function (event) { document.getElementById('tabs').innerHTML = event.data; });
		stream.addEventListener('at', function (event) { document.getElementById('at').textContent = event.data; });
		stream.addEventListener('away', function (event) { away.textContent = event.data; away.hidden = false; say('lost', 'off'); });
		stream.addEventListener('out', function () { stream.close(); location.href = '/login'; });
		window.addEventListener('pagehide', function () { stream.close(); });
	}

	if (list && list.dataset.feed) { follow(); }

	// --- forms: sent beside the page, which stays as it is until the answer came ---

	function tell(text) {
		var box = document.getElementById('answer');
		box.textContent = '';
		var p = document.createElement('p');
		p.className = 'problem';
		p.setAttribute('role', 'alert');
		p.textContent = text;
		box.append(p);
		box.scrollIntoView({ block: 'nearest' });
	}

	function send(form, button) {
		var data = new URLSearchParams(new FormData(form));
		if (button && button.name) { data.set(button.name, button.value); }
		var buttons = form.querySelectorAll('button');
		buttons.forEach(function (b) { b.disabled = true; });
		fetch(form.action, { method: 'POST', body: data, headers: { 'HX-Request': 'true' }, credentials: 'same-origin', redirect: 'manual' })
			.then(function (answer) {
				var to = answer.headers.get('HX-Redirect');
				if (to) { location.href = to; return null; }
				if (answer.status !== 200 && answer.status !== 409 && answer.status !== 422) { // no answer to this form
					throw new Error('away');
				}
				return answer.text().then(function (html) { put(form, html); });
			})
			.catch(function () { tell(document.getElementById('answer').dataset.away); })
			.finally(function () { buttons.forEach(function (b) { b.disabled = false; }); });
	}

	// A form that stands for its page gets the page anew, with what was typed in
	// it; every other one only the answer.
	function put(form, html) {
		var next = new DOMParser().parseFromString(html, 'text/html');
		var main = next.getElementById('main');
		if (main) {
			document.getElementById('main').replaceWith(main);
			bind();
			if (window.htmx) { window.htmx.process(main); }
			return;
		}
		document.getElementById('answer').innerHTML = html;
		document.getElementById('answer').scrollIntoView({ block: 'nearest' });
	}

	function bind() {
		document.querySelectorAll('form[data-keep]').forEach(function (form) {
			if (form.dataset.bound) { return; }
			form.dataset.bound = 'yes';
			form.addEventListener('submit', function (event) {
				event.preventDefault();
				send(form, event.submitter);
			});
		});
	}

	// --- a claim is kept only while somebody works on the page ---

	var worked = Date.now();
	['keydown', 'pointerdown', 'scroll', 'input'].forEach(function (name) {
		document.addEventListener(name, function () { worked = Date.now(); }, { passive: true, capture: true });
	});
	document.addEventListener('htmx:configRequest', function (event) {
		if (Date.now() - worked < 60000) { event.detail.parameters.active = 'yes'; }
	});

	bind();
	document.addEventListener('htmx:afterSwap', bind);
	document.addEventListener('htmx:sendError', function () { tell(document.getElementById('answer').dataset.away); });
}());
