// Settings that are more than one word: routes, queues, annotations, maps, encryption. Each has one canonical form (a
// value), which is checked here, and a type of the public interface, made from it.
#pragma once

#include "config/parse_value.hpp"

#include <lovage/routing.hpp>
#include <lovage/tls.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::settings {

/// Canonical: map of pattern to queue (a str), or to a map of the route's options. Takes that; a list of such maps or
/// of pairs; as text `a.*=high,b=low` or the same in JSON.
[[nodiscard]] expected<value> check_routes(setting const& row, value const& v, texts how);
/// Canonical: map of name to a map of the options that were given. Takes that; a list of names, or of maps with a
/// "name"; as text `a,b` or the same in JSON.
[[nodiscard]] expected<value> check_queues(setting const& row, value const& v, texts how);
/// Canonical: map of task name, or "*", to a map of the task's options; `max_retries` null is "for ever". Takes that; a
/// list of such maps, of which the first that names a task counts; as text JSON.
[[nodiscard]] expected<value> check_annotations(setting const& row, value const& v, texts how);
/// Canonical: a map without dates and octets. As text: JSON.
[[nodiscard]] expected<value> check_map(setting const& row, value const& v, texts how);
/// Canonical: false, true, or a map with "ca_certs", "certfile", "keyfile", "cert_reqs" (required, none) and
/// "server_hostname". Takes kombu's spellings for AMQP and for Redis. As text: yes, no, JSON.
[[nodiscard]] expected<value> check_tls(setting const& row, value const& v, texts how);

/// Between canonical values and the types of the interface. What is not canonical gives nothing.
[[nodiscard]] std::vector<task_route> routes_of(value const& canonical);
[[nodiscard]] std::vector<task_queue> queues_of(value const& canonical);
[[nodiscard]] tls tls_of(value const& canonical);
[[nodiscard]] value value_of(std::vector<task_route> const& routes);
[[nodiscard]] value value_of(std::vector<task_queue> const& queues);
[[nodiscard]] value value_of(tls const& with);

/// The members of a map that stands for something with options, in the table's order, each checked as a setting of its
/// own; null counts as not given. *On failure*: a sentence that names the option and the fix.
[[nodiscard]] expected<value::map> check_members(value::map const& given, std::span<setting const> known, texts how);

/// The value that text in JSON means. The error does not repeat the text, which may hold passwords.
[[nodiscard]] expected<value> from_json_text(std::string_view text);

}  // namespace lovage::settings
