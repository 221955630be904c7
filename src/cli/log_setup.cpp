#include "cli/log_setup.hpp"

#include "cli/reopening_sink.hpp"
#include "cli/session.hpp"
#include "cli/words.hpp"
#include "wire/result_record.hpp"
#include "wire/serializer.hpp"

#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <ctime>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace lovage::cli {
namespace {

constexpr char const* level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

char const* name_of(log::level l) { return level_names[static_cast<int>(l)]; }

spdlog::level::level_enum spdlog_level(log::level l) {
  switch (l) {
    case log::level::debug: return spdlog::level::debug;
    case log::level::info: return spdlog::level::info;
    case log::level::warning: return spdlog::level::warn;
    case log::level::error: return spdlog::level::err;
    default: return spdlog::level::critical;
  }
}

spdlog::sink_ptr make_sink(log_options const& options) {
  if (!options.file.empty()) return std::make_shared<reopening_sink>(options.file);
  if (!options.color) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto out = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(spdlog::color_mode::always);
  out->set_color(spdlog::level::debug, out->blue);
  out->set_color(spdlog::level::info, out->reset);
  out->set_color(spdlog::level::warn, out->yellow);
  out->set_color(spdlog::level::err, out->red);
  out->set_color(spdlog::level::critical, out->magenta);
  return out;
}

// Asked at each line: a pool's child is a fork of the process that set up the log.
std::string process_name(pid_t set_up_in, bool fork_server) {
  if (!fork_server) return "MainProcess";
  return ::getpid() == set_up_in ? "ForkServer" : "ForkPoolWorker-" + std::to_string(::getpid());
}

}  // namespace

std::string text_line(std::chrono::system_clock::time_point at, log::level l, std::string_view process,
                      std::string_view text) {
  auto const seconds = std::chrono::system_clock::to_time_t(at);
  auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count() % 1000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &local);
  return fmt::format("[{},{:03}: {}/{}] {}", stamp, ms, name_of(l), process, text);
}

std::string json_log_line(std::chrono::system_clock::time_point at, log::level l, std::string_view process,
                          std::string_view text, log_fields fields) {
  value::map out{{"time", wire::to_iso(std::chrono::floor<std::chrono::microseconds>(at))},
                 {"level", name_of(l)},
                 {"process", process},
                 {"message", text}};
  for (auto const& f : fields)
    out.push_back({std::string{f.key}, f.key == "runtime" ? value_of_word(f.val) : value{f.val}});
  auto line = wire::to_json(value{std::move(out)});
  // Text that is not UTF-8 must not lose the line.
  return line ? *std::move(line) : R"({"level": "ERROR", "message": "a log line that is not UTF-8"})";
}

void set_up_log(log_options const& options) {
  auto logger = std::make_shared<spdlog::logger>("lovage", make_sink(options));
  logger->set_pattern("%^%v%$");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  auto const here = ::getpid();
  bool const server = in_fork_server();
  log::set_sink(
      [logger, here, server, json = options.json](log::level l, std::string_view text, log_fields fields) {
        auto const now = std::chrono::system_clock::now();
        auto const process = process_name(here, server);
        auto const line = json ? json_log_line(now, l, process, text, fields) : text_line(now, l, process, text);
        logger->log(spdlog_level(l), spdlog::string_view_t{line.data(), line.size()});
      },
      options.least);
}

void set_up_plain_log(bool quiet) {
  log::set_sink([](log::level, std::string_view text,
                   log_fields) { std::fprintf(stderr, "lovage: %.*s\n", static_cast<int>(text.size()), text.data()); },
                quiet ? log::level::error : log::level::warning);
}

log::level level_of(std::string_view name) {
  std::string upper;
  for (char const c : name) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper == "WARN") upper = "WARNING";
  if (upper == "FATAL") upper = "CRITICAL";
  for (int i = 0; i < 5; ++i)
    if (upper == level_names[i]) return static_cast<log::level>(i);
  throw usage_error{"no log level '" + std::string{name} + "'; there are debug, info, warning, error and critical"};
}

}  // namespace lovage::cli
