const $ = (id) => document.getElementById(id);
const euro = (cents) => (cents / 100).toLocaleString('en-IE', { style: 'currency', currency: 'EUR' });
const steps = ['Placed', 'Reserved', 'Paid', 'Shipped'];
const words = { OutOfStock: 'Out of stock' };
const bad = new Set(['OutOfStock', 'Declined', 'Failed']);

async function json(path, options) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error || body.title || `${path} answered ${response.status}`);
  return body;
}

async function showCatalogue() {
  try {
    const page = await json('/api/products');
    $('catalogue-error').hidden = true;
    $('replica').textContent = page.replica;
    $('cache').textContent = page.cache;
    $('catalogue').replaceChildren(...page.products.map(card));
  } catch (error) {
    $('catalogue-error').textContent = `The catalogue cannot be shown: ${error.message}`;
    $('catalogue-error').hidden = false;
  }
  await showStock();
}

async function showStock() {
  try {
    const stock = await json('/api/stock');
    $('store').textContent = stock.store;
    for (const item of document.querySelectorAll('.card')) {
      const pieces = stock.levels[item.dataset.sku] ?? 0;
      const left = item.querySelector('.left');
      left.textContent = pieces === 0 ? 'sold out' : `${pieces} in stock`;
      left.classList.toggle('few', pieces < 3);
    }
  } catch (error) {
    $('store').textContent = 'no answer';
  }
}

function card(product) {
  const item = $('card').content.firstElementChild.cloneNode(true);
  item.dataset.sku = product.sku;
  item.querySelector('.picture').src = `pictures/${encodeURIComponent(product.sku)}.svg`;
  item.querySelector('h3').textContent = product.name;
  item.querySelector('.description').textContent = product.description;
  item.querySelector('.price').textContent = euro(product.price);
  item.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    place(product, Number(new FormData(event.target).get('pieces')), event.target.querySelector('button'));
  });
  return item;
}

async function place(product, pieces, button) {
  button.disabled = true;
  const row = $('order').content.firstElementChild.cloneNode(true);
  row.querySelector('.what').textContent = `${pieces} × ${product.name}`;
  $('no-orders').hidden = true;
  $('orders').prepend(row);
  show(row, 'Sending', '');
  try {
    const order = await json('/api/orders', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sku: product.sku, name: product.name, pieces, price: product.price }),
    });
    row.dataset.order = order.id;
    follow(row, order.id);
  } catch (error) {
    show(row, 'Failed', error.message);
  } finally {
    button.disabled = false;
  }
}

function follow(row, id) {
  const events = new EventSource(`/api/orders/${id}/events`);
  events.addEventListener('step', (event) => {
    const step = JSON.parse(event.data);
    show(row, step.status, step.text);
    if (step.status === 'Shipped' || bad.has(step.status)) {
      events.close();
      showStock();
    }
  });
}

function show(row, status, text) {
  row.dataset.status = status;
  row.querySelector('.status').textContent = words[status] || status;
  row.querySelector('.text').textContent = text;
  if (status === 'Shipped') row.dataset.end = 'good';
  if (bad.has(status)) row.dataset.end = 'bad';
  const reached = steps.indexOf(status);
  row.querySelectorAll('.track i').forEach((bar, index) => {
    if (index <= reached) bar.classList.add('done');
  });
}

function watchEveryone() {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/activity`);
  const connected = (on) => {
    $('live').classList.toggle('on', on);
    $('live').title = on ? 'connected' : 'not connected';
  };
  socket.addEventListener('open', () => connected(true));
  socket.addEventListener('close', () => {
    connected(false);
    setTimeout(watchEveryone, 2000);
  });
  socket.addEventListener('message', (event) => {
    const step = JSON.parse(event.data);
    const line = document.createElement('li');
    const id = document.createElement('code');
    id.textContent = step.order;
    const text = document.createElement('span');
    text.textContent = words[step.status] || step.status;
    line.append(id, text);
    $('activity').prepend(line);
    while ($('activity').children.length > 8) $('activity').lastChild.remove();
  });
}

$('reload').addEventListener('click', showCatalogue);
showCatalogue();
watchEveryone();
