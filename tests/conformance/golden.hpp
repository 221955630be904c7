// Looks through a captured file for everything that lovage's wire layer must understand, and checks each find.
#pragma once

#include <lovage/value.hpp>

#include "wire/envelope.hpp"

#include <map>
#include <string>
#include <string_view>

namespace lovage::golden {

/// How many finds of each kind a file held ("task", "envelope", "record", ...), to be compared with the manifest.
using counts = std::map<std::string, int>;

/// Walks a captured value. Texts that hold JSON, kombu envelopes or a line of Redis' MONITOR are opened and walked too.
/// Every check is a gtest expectation; `counted` says what was found.
class walker {
 public:
  explicit walker(counts& counted) : counted_{counted} {}

  void walk(value const& v);
  void walk_text(std::string_view text);

  void task(wire::envelope const& message);
  void envelope(std::string_view text);
  void signed_message(value const& capture);
  void record(std::string_view text, std::string_view serializer);

 private:
  void map(value const& v);
  void list(value const& v);
  void protocol_2(wire::envelope const& message);
  void protocol_1(wire::envelope const& message);
  void published(value const& v);
  void body_of_others(wire::envelope const& message);
  void rpc_record(value const& v);
  void group_record(std::string_view text);
  void tuple(value const& v);
  void signature(value const& v);
  void event(value const& v);
  void batch(value const& v);
  void request(value const& v, value::map const& headers);
  void reply(value const& v, value::map const& headers);
  void replies(value const& by_command);
  void other_json(std::string_view text);
  void release(value const& v);
  void serialized_results(value const& cases);

  counts& counted_;
};

/// AMQP tables were captured as [type octet, value]: gives the plain values.
[[nodiscard]] value untyped(value const& v);
[[nodiscard]] value::map untyped_table(value const& table);
/// Equal but for the order of keys.
[[nodiscard]] bool same_but_for_order(value const& a, value const& b);
/// JSON without opening {"__type__"} objects; a test failure and null when it is none.
[[nodiscard]] value json(std::string_view text);
[[nodiscard]] std::string show(value const& v);

}  // namespace lovage::golden
