// result_bench URL [results] [batch] [writers]: what a result backend on a database stores and reads in a second.
//
//     result_bench db+postgresql://postgres@127.0.0.1:5432/test 100000 500
//     result_bench django-db+sqlite:////tmp/site.db
//
// Stored as a worker does: in batches, of tasks that succeed, each with the fields of `result_extended`.
#include "backend/django/django_backend.hpp"
#include "backend/sql/sql_result_backend.hpp"
#include "core/ids.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

using namespace lovage;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

std::shared_ptr<backend::result_backend> open_backend(std::string const& url) {
  auto const with = backend::at(url);
  return (url.starts_with("django-db") ? backend::make_django_backend(with, 10s) : backend::make_sql_backend(with, 10s))
      .value();
}

wire::result_record finished(int i) {
  wire::result_record out;
  out.id = new_task_id();
  out.status = wire::state::success;
  out.result = i;
  out.children = value::list{};
  out.date_done = wire::to_iso(system_now());
  out.extended = value::map{{"name", "bench.noop"}, {"args", value::list{i}}, {"kwargs", value::map{}},
                            {"worker", "w1@bench"}, {"retries", 0},           {"queue", "celery"}};
  return out;
}

template <class F>
void tell_rate(char const* what, std::size_t count, F&& work) {
  auto const begun = steady::now();
  work();
  auto const seconds = std::chrono::duration<double>(steady::now() - begun).count();
  std::printf("%-10s %10.0f results/s\n", what, static_cast<double>(count) / seconds);
}

void measure(std::string const& url, std::size_t count, std::size_t batch, std::size_t writers) {
  auto const on = open_backend(url);
  on->store(std::vector{finished(0)}, 24h, 60s).value();  // the tables
  std::vector<wire::result_record> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(finished(static_cast<int>(i)));
  tell_rate("stored", count, [&] {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < writers; ++t)
      threads.emplace_back([&, t] {
        for (auto i = t * batch; i < count; i += writers * batch)
          on->store(std::span{all}.subspan(i, std::min(batch, count - i)), 24h, 60s).value();
      });
    for (auto& t : threads) t.join();
  });
  tell_rate("read", count, [&] {
    for (std::size_t i = 0; i < count; i += batch) {
      std::vector<task_id> ids;
      for (auto k = i; k < std::min(i + batch, count); ++k) ids.push_back(all[k].id);
      (void)on->fetch(ids, 60s).value();
    }
  });
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: result_bench URL [results] [batch] [writers]\n");
    return 2;
  }
  auto const number = [&](int at, std::size_t usual) {
    return argc > at ? static_cast<std::size_t>(std::strtoul(argv[at], nullptr, 10)) : usual;
  };
  measure(argv[1], number(2, 50'000), std::max<std::size_t>(number(3, 500), 1), std::max<std::size_t>(number(4, 1), 1));
  return 0;
} catch (std::exception const& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
