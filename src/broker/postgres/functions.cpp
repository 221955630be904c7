#include "broker/postgres/functions.hpp"

namespace lovage::broker::postgres_broker {

// lovage.enqueue writes what Celery's own publisher would: a message of task protocol 2 with a body in JSON. Its head
// is JSON text too, in the form in which kombu keeps messages; those of lovage's programs are MessagePack
// (message_head).
//
// A message in a transaction of somebody else's is announced by that transaction's own NOTIFY: it is sent at its
// commit.
char const* functions() {
  return R"(
CREATE FUNCTION lovage.queue_id(queue_name text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE found_id int;
BEGIN
  SELECT q.id INTO found_id FROM lovage.queue q WHERE q.name = queue_name;
  IF found_id IS NULL THEN
    INSERT INTO lovage.queue (name) VALUES (queue_name) ON CONFLICT (name) DO NOTHING;
    SELECT q.id INTO found_id FROM lovage.queue q WHERE q.name = queue_name;
  END IF;
  RETURN found_id;
END $$;

CREATE FUNCTION lovage.put(queue text, priority int, due timestamptz, head bytea, body bytea)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  to_queue int := lovage.queue_id(queue);
  in_rank smallint := 9 - greatest(0, least(9, coalesce(priority, 0)));
BEGIN
  IF due > clock_timestamp() THEN
    INSERT INTO lovage.delayed (due, queue, rank, head, body) VALUES (due, to_queue, in_rank, head, body);
  ELSE
    INSERT INTO lovage.message (queue, rank, head, body) VALUES (to_queue, in_rank, head, body);
  END IF;
  PERFORM pg_notify('lovage_' || to_queue, '');
END $$;

CREATE FUNCTION lovage.iso_time(at timestamptz) RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') $$;

CREATE FUNCTION lovage.enqueue(
  task text, args jsonb DEFAULT '[]', kwargs jsonb DEFAULT '{}', queue text DEFAULT 'celery',
  eta timestamptz DEFAULT NULL, countdown double precision DEFAULT NULL, expires timestamptz DEFAULT NULL,
  priority int DEFAULT 0, task_id text DEFAULT NULL, headers jsonb DEFAULT '{}', ignore_result boolean DEFAULT false
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  id text := coalesce(task_id, gen_random_uuid()::text);
  due timestamptz := coalesce(eta, clock_timestamp() + countdown * interval '1 second');
  head jsonb;
BEGIN
  IF coalesce(task, '') = '' THEN RAISE EXCEPTION 'lovage.enqueue: name the task'; END IF;
  IF coalesce(queue, '') = '' THEN RAISE EXCEPTION 'lovage.enqueue: name the queue'; END IF;
  IF jsonb_typeof(args) IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION 'lovage.enqueue: args is a JSON array, such as ''[1, 2]''';
  END IF;
  IF jsonb_typeof(kwargs) IS DISTINCT FROM 'object' OR jsonb_typeof(headers) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'lovage.enqueue: kwargs and headers are JSON objects, such as ''{"name": 1}''';
  END IF;
  head := jsonb_build_object(
    'content-type', 'application/json', 'content-encoding', 'utf-8', 'body', '',
    'properties', jsonb_build_object(
      'correlation_id', id, 'delivery_mode', 2, 'priority', greatest(0, least(9, coalesce(priority, 0))),
      'body_encoding', 'utf-8', 'delivery_tag', id,
      'delivery_info', jsonb_build_object('exchange', '', 'routing_key', queue)),
    'headers', jsonb_build_object(
      'lang', 'py', 'task', task, 'id', id, 'root_id', id, 'parent_id', NULL, 'group', NULL, 'group_index', NULL,
      'shadow', NULL, 'eta', lovage.iso_time(due), 'expires', lovage.iso_time(expires), 'retries', 0,
      'timelimit', jsonb_build_array(NULL, NULL), 'argsrepr', left(args::text, 1024),
      'kwargsrepr', left(kwargs::text, 1024), 'origin', 'sql@' || current_database(),
      'ignore_result', coalesce(ignore_result, false)) || headers);
  PERFORM lovage.put(queue, priority, due, convert_to(head::text, 'UTF8'), convert_to(jsonb_build_array(args, kwargs,
    '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'::jsonb)::text, 'UTF8'));
  RETURN id;
END $$;

CREATE FUNCTION lovage.give_back(dead int) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = on AS $$
DECLARE
  had_begun bigint[];
  given bigint;
BEGIN
  DELETE FROM lovage.session s WHERE s.id = dead RETURNING s.begun INTO had_begun;
  IF NOT FOUND THEN RETURN -1; END IF;
  UPDATE lovage.message m SET session = 0, redelivered = true,
    attempts = m.attempts + CASE WHEN m.id = ANY (had_begun) THEN 1 ELSE 0 END WHERE m.session = dead;
  GET DIAGNOSTICS given = ROW_COUNT;
  PERFORM pg_notify('lovage', '');
  RETURN given;
END $$;
)";
}

}  // namespace lovage::broker::postgres_broker
