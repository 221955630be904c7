// usage: NODE_PATH=DIR/node_modules node bullmq_drain.js REDIS_PORT COUNT [CONCURRENCY]
// Fills a queue with COUNT jobs that do nothing, then drains it with one worker; prints seconds=... and the number that
// it counted, from the first job done to the last.
const { Queue, Worker } = require('bullmq');

const [port, count, concurrency] = [process.argv[2], process.argv[3], process.argv[4] || 100].map(Number);
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
// Nothing is kept of a job that is done, as with an ignored result.
const options = { removeOnComplete: true, removeOnFail: true };

async function fill(queue) {
  for (let sent = 0; sent < count; sent += 1000) {
    const size = Math.min(1000, count - sent);
    await queue.addBulk(Array.from({ length: size }, () => ({ name: 'noop', data: {}, opts: options })));
  }
}

async function main() {
  const queue = new Queue('bench', { connection });
  await queue.obliterate({ force: true });
  await fill(queue);
  let done = 0;
  let start = 0n;
  await new Promise((resolve) => {
    const worker = new Worker('bench', async () => {}, { connection, concurrency });
    worker.on('completed', () => {
      if (done++ === 0) start = process.hrtime.bigint();
      if (done === count) resolve();
    });
  });
  console.log(`seconds=${Number(process.hrtime.bigint() - start) / 1e9} count=${count - 1}`);
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
