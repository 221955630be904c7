// A connection that is made again whenever it is lost, shared by threads.
#pragma once

#include "core/deadline_mutex.hpp"
#include "io/link.hpp"
#include "redis/connection.hpp"

#include <lovage/deadline.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::redis {

/// Whether a pipeline whose connection broke after it was sent may be sent again: it may have been done.
enum class repeat { no, yes };

/// A Lua script, sent by its hash, and whole where the server does not know it yet.
class script {
 public:
  explicit script(std::string text);
  [[nodiscard]] std::string const& text() const noexcept { return text_; }
  [[nodiscard]] std::string const& hash() const noexcept { return hash_; }

 private:
  std::string text_, hash_;
};

/// *Threads*: any; one pipeline at a time.
class client {
 public:
  /// Opens nothing yet. Error `bad_config`.
  [[nodiscard]] static expected<std::unique_ptr<client>> make(connection_settings const& with);

  /// Answers in order; an answer may be an error. Connects first where needed, and tries again until the deadline while
  /// nothing was sent, or with `repeat::yes` always. A server that says nothing for the settings' heartbeat is given
  /// up, and so is one that has become a replica. Errors: `timeout`, `unavailable` (with `repeat::no`: it is not known
  /// whether the commands were done), `bad_config`.
  [[nodiscard]] expected<std::vector<reply>> run(commands const& what, repeat again, deadline until);
  /// One script; keys and arguments as they are. An error answer is an error here.
  [[nodiscard]] expected<reply> eval(script const& what, std::vector<std::string_view> const& keys,
                                     std::vector<std::string_view> const& arguments, repeat again, deadline until);
  /// A connection of one's own, for subscriptions; tries until the deadline.
  [[nodiscard]] expected<std::unique_ptr<connection>> connect(deadline until);
  /// For those who keep connections of their own and their links: one attempt, at the link's address.
  [[nodiscard]] io::link make_link() const;
  [[nodiscard]] expected<std::unique_ptr<connection>> attempt(io::link const& life, deadline until) const;
  /// A further one with the same settings.
  [[nodiscard]] std::unique_ptr<client> clone() const;

  [[nodiscard]] connection_settings const& settings() const noexcept { return settings_; }
  [[nodiscard]] int database() const noexcept;

 private:
  client(connection_settings with, endpoints all);
  [[nodiscard]] expected<std::unique_ptr<connection>> connect_with(io::link& life, error_info& why,
                                                                   deadline until) const;
  void drop(error_info why);

  connection_settings const settings_;
  endpoints const endpoints_;
  deadline_mutex mutex_;  // guards what follows
  io::link link_;
  /// Of the last failure: what whoever has no time to try again is told.
  error_info why_{errc::timeout, "no time to connect to Redis", {}};
  std::unique_ptr<connection> connection_;
};

}  // namespace lovage::redis
