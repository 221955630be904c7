// A result backend as a filter, for tests that set another implementation beside it.
//
//     result_tool '{"url": "redis://...", "serializer": "json", "accept": [...], "options": {...}}'
//
// One command a line, one answer a line:
//
//     store RECORD          a record as JSON                     -> ok
//     fetch ID              -> the record as JSON
//     wait ID               -> the record as JSON, as soon as it is ready
//     save TUPLE            a group as JSON                      -> ok
//     group ID              -> its tuple as JSON, or null
//     part PART             {"group", "index", "id", "status", "result"}, counted -> results of the chord it ends, or
//     null cleanup               -> how many were removed
//
// Errors are written as a line that begins with "error: ".
#include "backend/django/django_backend.hpp"
#include "backend/redis/redis_backend.hpp"
#include "backend/sql/sql_result_backend.hpp"
#include "wire/serializer.hpp"

#include <iostream>
#include <string>

using namespace lovage;
using namespace std::chrono_literals;

namespace {

expected<backend::settings> read_settings(std::string const& text) {
  auto given = wire::from_json(text);
  if (!given) return fail(given.error());
  backend::settings out;
  out.connection.urls = *given->find("url")->get_if<std::string>();
  out.serializer = *given->find("serializer")->get_if<std::string>();
  out.accept_content = {"json", "msgpack", "yaml"};
  if (auto const* options = given->find("options")) out.connection.options = *options->get_if<value::map>();
  return out;
}

expected<std::shared_ptr<backend::result_backend>> make_backend(backend::settings const& with) {
  auto const& url = with.connection.urls;
  if (url.starts_with("django-db")) return backend::make_django_backend(with, 10s);
  return url.starts_with("db+") ? backend::make_sql_backend(with, 10s) : backend::make_redis_backend(with, 10s);
}

expected<std::string> written(expected<std::vector<wire::result_record>> const& records) {
  if (!records) return fail(records.error());
  if (records->empty()) return fail(errc::timeout, "no record");
  return wire::to_json(wire::to_value(records->front()));
}

expected<std::string> wait_for(backend::result_backend& on, task_id const& id) {
  auto watch = on.make_watch();
  if (!watch) return fail(watch.error());
  (*watch)->add({&id, 1});
  for (auto const until = deadline::in(20s);;) {
    auto some = (*watch)->next(until);
    if (!some || some->empty() || some->front().ready()) return written(some);
  }
}

expected<std::string> save(backend::result_backend& on, std::string const& text) {
  auto const tuple = wire::result_tuple::from_value(wire::from_json(text).value());
  if (!tuple) return fail(tuple.error());
  auto done = on.store_group(*tuple, 1h, 10s);
  return done ? expected<std::string>{"ok"} : fail(done.error());
}

expected<std::string> group(backend::result_backend& on, std::string const& id) {
  auto const tuple = on.fetch_group(id, 10s);
  if (!tuple) return fail(tuple.error());
  return wire::to_json(*tuple ? (*tuple)->to_value() : value{});
}

expected<std::string> count(backend::result_backend& on, std::string const& text) {
  auto const given = wire::from_json(text).value();
  auto const of = [&](char const* key) { return *given.find(key)->get_if<std::string>(); };
  backend::chord_part const part{of("group"), *given.find("index")->get_if<std::int64_t>(), task_id{of("id")},
                                 of("status"), *given.find("result")};
  auto const ends = on.count_parts({&part, 1}, std::vector<value>(1), 1h, 10s);
  if (!ends) return fail(ends.error());
  if (ends->empty()) return std::string{"null"};
  value::list results;
  for (auto const& p : ends->front().parts) results.push_back(p.result);
  return wire::to_json(value{std::move(results)});
}

expected<std::string> obey(backend::result_backend& on, std::string const& command, std::string const& rest) {
  if (command == "fetch") return written(on.fetch(std::vector{task_id{rest}}, 10s));
  if (command == "wait") return wait_for(on, task_id{rest});
  if (command == "save") return save(on, rest);
  if (command == "group") return group(on, rest);
  if (command == "part") return count(on, rest);
  if (command == "cleanup") {
    auto const n = on.cleanup(10s);
    return n ? expected{std::to_string(*n)} : fail(n.error());
  }
  if (command != "store") return fail(errc::invalid_argument, "no such command", command);
  auto record = wire::decode_record(rest);
  if (!record) return fail(record.error());
  auto done = on.store({&*record, 1}, 24h, 10s);  // as `result_expires` is
  if (!done) return fail(done.error());
  return std::string{"ok"};
}

}  // namespace

int main(int argc, char** argv) try {
  auto const on = make_backend(read_settings(argc > 1 ? argv[1] : "").value()).value();
  for (std::string line; std::getline(std::cin, line);) {
    auto const blank = std::min(line.find(' '), line.size());
    auto const answer = obey(*on, line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
    std::cout << (answer ? *answer : "error: " + answer.error().text()) << std::endl;
  }
  return 0;
} catch (std::exception const& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
