// The shop's payments: plain Node, nothing to install, to show that a service in the mesh needs no .NET.
const http = require('node:http');
const { randomUUID } = require('node:crypto');

const port = Number(process.env.PORT || 5140);
const limit = 100000; // cents; more than that needs a phone call, so it is declined
const payments = new Map(); // by order: a payment that is asked for again is the same payment

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function readJson(request, whenRead, whenBroken) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('error', whenBroken);
  request.on('end', () => {
    try {
      whenRead(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    } catch (error) {
      whenBroken(error);
    }
  });
}

function pay(request, response) {
  readJson(request, ({ order, amount }) => {
    if (typeof order !== 'string' || !Number.isInteger(amount) || amount <= 0) return answer(response, 400, { error: 'order (text) and amount (cents) are needed' });
    const approved = amount <= limit;
    const before = payments.get(order);
    if (before) return answer(response, before.approved ? 200 : 402, before);
    const payment = { id: randomUUID(), order, amount, approved, reason: approved ? null : 'over the limit' };
    payments.set(order, payment);
    console.log(`${approved ? 'took' : 'declined'} ${amount} cents for order ${order} traceparent=${request.headers.traceparent || '-'}`);
    return answer(response, approved ? 201 : 402, payment);
  }, (error) => answer(response, 400, { error: error.message }));
}

const server = http.createServer((request, response) => {
  if (request.method === 'GET' && request.url === '/health') return answer(response, 200, { status: 'ok', runtime: `node ${process.version}` });
  if (request.method === 'POST' && request.url === '/payments') return pay(request, response);
  if (request.method === 'GET' && request.url === '/payments') return answer(response, 200, [...payments.values()]);
  return answer(response, 404, { error: `no ${request.method} ${request.url} here` });
});

server.listen(port, '127.0.0.1', () => console.log(`payments listens on http://127.0.0.1:${port}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.close(() => process.exit(0)));
