// Keys that every page has: ? shows them, g and a letter opens a page, / goes to
// the search box. An element with data-key is clicked (a field is focused) when
// its key is pressed outside of fields; data-key-text is what the list says.
(function () {
	'use strict';

	var goes = false;
	var dialog = function () { return document.getElementById('keys'); };

	function typing(node) {
		return node && (node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName));
	}

	function show() {
		var here = document.getElementById('keys-here');
		here.textContent = '';
		document.querySelectorAll('[data-key]').forEach(function (node) {
			var row = document.createElement('div');
			var key = document.createElement('kbd');
			var dt = document.createElement('dt');
			var dd = document.createElement('dd');
			key.textContent = node.dataset.key;
			dd.textContent = node.dataset.keyText || node.textContent;
			dt.append(key);
			row.append(dt, dd);
			here.append(row);
		});
		dialog().showModal();
	}

	function visible(node) { return node.getClientRects().length > 0; }

	function press(event, node) {
		event.preventDefault();
		if (typing(node)) {
			node.focus();
		} else {
			node.click();
		}
	}

	function first(attribute, value) {
		return Array.from(document.querySelectorAll('[' + attribute + ']')).find(function (node) {
			return node.getAttribute(attribute) === value && visible(node);
		});
	}

	document.addEventListener('keydown', function (event) {
		if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target) || !dialog() || dialog().open) {
			return;
		}
		var went = goes;
		goes = false;
		if (went) {
			var to = first('data-go', event.key);
			if (to) { press(event, to); }
			return;
		}
		if (event.key === '?') {
			event.preventDefault();
			show();
			return;
		}
		if (event.key === 'g') {
			goes = true;
			return;
		}
		if (event.key === '/') {
			var box = document.querySelector('input[type=search]');
			if (box) { press(event, box); } else { location.href = '/search'; }
			return;
		}
		var node = first('data-key', event.key);
		if (node) { press(event, node); }
	});

	document.addEventListener('click', function (event) {
		if (event.target.closest('[data-keys-open]')) { show(); }
		if (event.target.closest('[data-print]')) { window.print(); }
	});
}());
