#include "config/reference.hpp"

#include "config/parse_value.hpp"

namespace lovage::settings {
namespace {

constexpr char const* intro = R"(# Settings

Names, meanings and defaults are Celery's unless a line says otherwise. This page is made from
`include/lovage/settings.inc`; `config_test` fails when it is stale and says how to write it anew.

## Where a setting comes from

Later wins:

1. the default below;
2. one TOML file: `--config FILE`, else `$LOVAGE_CONFIG`, else `lovage.toml` in the working directory, else
   `$XDG_CONFIG_HOME/lovage/lovage.toml` (`~/.config/lovage/lovage.toml`);
3. environment variables: `CELERY_BROKER_URL`, `CELERY_BROKER_READ_URL`, `CELERY_BROKER_WRITE_URL` and
   `CELERY_RESULT_BACKEND`, and over them `LOVAGE_` with the setting's name in upper case, such as
   `LOVAGE_WORKER_CONCURRENCY=8`. An empty variable counts as absent;
4. options of the command line;
5. what the program itself sets, at the time it does so.

`lovage report` shows each value with its origin.

```toml
broker_url = "redis://localhost/0"
result_backend = "redis://localhost/1"

[task]                       # a section is the first word of the names in it: task_serializer, task_routes
serializer = "json"
routes = { "shop.*" = "high", "mail.send" = "low" }

[result]
expires = "12h"
```

## How values are written

| Type | In a file | As text (environment, command line) |
|---|---|---|
| URL, text, choice | `"redis://localhost/0"`; of URLs also a list, tried in turn | as it is, several URLs with `;` between them; `disabled` or `none` where nothing is possible |
| flag | `true`, `false` | also `yes`, `no`, `on`, `off`, `1`, `0`; `none` where a flag may be unset |
| integer | `8` | `8` |
| seconds | `90`, `1.5`, `"10s"`, `"5m"`, `"1h30m"`, `"1d"`; units `ms`, `s`, `m`, `h`, `d`, `w` | the same; `never` is 0 |
| names | `["json", "msgpack"]` | `json,msgpack` |
| routes | `{ "shop.*" = "high", '/^(a\|b)\./' = { queue = "low", priority = 2 } }` | `shop.*=high,mail.send=low`, or JSON |
| queues | `["high", "celery"]`, or a table for each: `[task.queues.high]` | `high,celery`, or JSON |
| annotations | `[task.annotations."shop.fetch"]` | JSON: `{"shop.fetch": {"rate_limit": "10/m"}}` |
| table | `[broker.transport_options]` | JSON: `{"visibility_timeout": 3600}` |
| encryption | `true`, `false`, or `[broker.use_ssl]` with `ca_certs`, `certfile`, `keyfile`, `cert_reqs`, `server_hostname` | `true`, `false`, or JSON |

In a rule of routes, what stands between slashes is an ECMAScript regular expression, matched from the name's start on. A
queue takes `exchange`, `exchange_type` (direct, topic, fanout), `routing_key`, `queue_arguments`, `max_priority`,
`message_ttl`, `expires`, `max_length`, `max_length_bytes`, `durable`, `auto_delete`, `exclusive` and `broadcast`. An
annotation takes `rate_limit`, `time_limit`, `soft_time_limit`, `max_retries` (`none`: for ever), `default_retry_delay`,
`retry_backoff`, `retry_backoff_max`, `retry_jitter`, `ignore_result`, `store_errors_even_if_ignored`, `track_started`,
`acks_late`, `acks_on_failure_or_timeout`, `acks_on_failure`, `acks_on_timeout` and `reject_on_worker_lost`.

In a URL, write `@ : / ? # %` of a password as `%40 %3A %2F %3F %23 %25`. `sqlite:///jobs.db` is relative to the working
directory, `sqlite:////var/lib/jobs.db` is absolute.

Every name is also understood in upper case (`TASK_SERIALIZER`), in Django's form (`CELERY_TASK_SERIALIZER`) and by the
old names given below. One file may not say different things under two names of the same setting.

)";

std::string cell(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string shown_default(setting const& row) {
  if (row.name == "broker_url" || row.name == "result_backend") return "see the text";
  return row.initial.empty() ? "none" : "`" + std::string{row.initial} + "`";
}

std::string old_names(setting const& row) {
  std::string out;
  for (auto rest = row.old; !rest.empty();) {
    auto const word = rest.substr(0, rest.find(' '));
    out += (out.empty() ? "`" : ", `") + std::string{word} + "`";
    rest.remove_prefix(word.size() + (word.size() < rest.size() ? 1 : 0));
  }
  return out;
}

std::string in_effect_part() {
  std::string out = "## In effect since 0.1\n";
  for (auto const& row : table()) {
    if (!row.in_effect) continue;
    out += "\n### `" + std::string{row.name} + "`\n\n" + std::string{row.text} + "\n\n";
    out += "- takes " + expectation(row) + "; such as `" + std::string{row.example} + "`\n";
    out += "- default: " + shown_default(row) + "\n";
    if (auto const old = old_names(row); !old.empty()) out += "- old name: " + old + "\n";
  }
  return out;
}

std::string inert_part() {
  std::string out =
      "\n## Known, without effect in 0.1\n\n"
      "Naming one of these is no error: the program warns and goes on, so that a configuration shared with Celery can\n"
      "stay as it is.\n\n| Setting | Old name | Why |\n|---|---|---|\n";
  for (auto const& row : table()) {
    if (row.in_effect) continue;
    auto const why = row.text.empty() ? "not in this version" : cell(row.text);
    out += "| `" + std::string{row.name} + "` | " + old_names(row) + " | " + why + " |\n";
  }
  return out;
}

}  // namespace

std::string reference_page() { return intro + in_effect_part() + inert_part(); }

}  // namespace lovage::settings
