// usage: NODE_PATH=DIR/node_modules node graphile_drain.js URL COUNT [CONCURRENCY]
// Fills graphile-worker's queue with COUNT jobs that do nothing, then drains it with one worker with a local queue, set
// as its own performance test sets it; prints seconds=... and the number that it counted, from the first job done to
// the last.
const { run, makeWorkerUtils } = require('graphile-worker');

const [url, count, concurrency] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] || 24)];
const quiet = new (require('graphile-worker').Logger)(() => () => {});

async function fill() {
  const utils = await makeWorkerUtils({ connectionString: url, logger: quiet });
  await utils.migrate();
  await utils.withPgClient(async (client) => {
    await client.query('delete from graphile_worker._private_jobs');
    for (let sent = 0; sent < count; sent += 1000) {
      const size = Math.min(1000, count - sent);
      await client.query(
        "select from graphile_worker.add_jobs(array(select json_populate_record(null::graphile_worker.job_spec, " +
          "json_build_object('identifier', 'noop', 'payload', '{}'::json, 'max_attempts', 25)) from generate_series(1, $1)))",
        [size]);
    }
    await client.query('vacuum analyze graphile_worker._private_jobs');
  });
  await utils.release();
}

async function main() {
  await fill();
  let done = 0;
  let start = 0n;
  let finish;
  const all = new Promise((resolve) => { finish = resolve; });
  const noop = async () => {
    if (done++ === 0) start = process.hrtime.bigint();
    if (done === count) finish();
  };
  const runner = await run({
    connectionString: url,
    taskList: { noop },
    logger: quiet,
    noHandleSignals: true,
    preset: {
      worker: {
        concurrentJobs: concurrency,
        maxPoolSize: 10,
        pollInterval: 2000,
        localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  });
  await all;
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  await runner.stop();
  console.log(`seconds=${seconds} count=${count - 1}`);
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
