#include "wire/task_body.hpp"

#include "wire/task_headers.hpp"

#include <algorithm>
#include <array>

namespace lovage::wire {

namespace {

/// null is none; each element must be a map, its content is looked at when it is sent.
void read_signatures(std::string_view key, value& v, value::list& out, fields& in) {
  if (v.is_null()) return;
  in.list(key, v, out);
  for (auto const& item : out)
    if (!item.is<value::map>()) return in.wrong_kind(key, item, "signatures (maps) only");
}

void read_embed(value& v, embed& out, fields& in) {
  if (v.is_null()) return;
  auto* m = v.get_if<value::map>();
  if (m == nullptr) return in.wrong_kind("embed", v, "map or null");
  for (auto& [key, member] : *m) {
    if (key == "callbacks") {
      read_signatures("embed.callbacks", member, out.callbacks, in);
    } else if (key == "errbacks") {
      read_signatures("embed.errbacks", member, out.errbacks, in);
    } else if (key == "chain" && !member.is_null()) {
      read_signatures("embed.chain", member, out.chain.emplace(), in);
    } else if (key == "chord" && !member.is_null()) {
      if (!member.is<value::map>()) return in.wrong_kind("embed.chord", member, "a signature (map) or null");
      out.chord = std::move(member);
    }
  }
}

/// A Python worker acknowledges a message with null kwargs and never stores a result: read as none.
void read_arguments(value& args, value& kwargs, task_message& out, fields& in) {
  in.list("args", args, out.args);
  if (!kwargs.is_null()) in.map("kwargs", kwargs, out.kwargs);
}

}  // namespace

expected<void> decode_body(value&& body, task_message& out) {
  auto* parts = body.get_if<value::list>();
  if (parts == nullptr)
    return fail(errc::decode, "body is " + std::string{body.kind()} + ", expected [args, kwargs, embed]", "body");
  if (parts->size() != 3)
    return fail(errc::decode, "body has " + std::to_string(parts->size()) + " elements, expected [args, kwargs, embed]",
                "body");
  fields in{"body", "body part"};
  read_arguments((*parts)[0], (*parts)[1], out, in);
  read_embed((*parts)[2], out.embed, in);
  if (!in.ok()) return fail(in.take_error());
  return {};
}

bool is_protocol_1(value const& body) noexcept {
  auto const* task = body.find("task");
  return task != nullptr && !task->is_null();
}

expected<void> decode_protocol_1(value&& body, task_message& out) {
  static constexpr std::array common{header_key::task,    header_key::id,  header_key::group,   header_key::group_index,
                                     header_key::retries, header_key::eta, header_key::expires, header_key::timelimit};
  fields in{"body", "body key"};
  value none_args{value::list{}}, none;
  auto* args = body.find("args");
  auto* kwargs = body.find("kwargs");
  out.protocol = 1;
  out.lang = "py";
  for (auto& [key, v] : *body.get_if<value::map>()) {
    auto const which = find_header_key(key);
    if (std::find(common.begin(), common.end(), which) != common.end()) {
      read_header(which, key, v, out, in);
    } else if (key == "taskset") {
      if (!out.group) in.text(key, v, out.group);
    } else if (key == "callbacks") {
      read_signatures(key, v, out.embed.callbacks, in);
    } else if (key == "errbacks") {
      read_signatures(key, v, out.embed.errbacks, in);
    } else if (key == "chord" && !v.is_null()) {
      if (!v.is<value::map>()) in.wrong_kind(key, v, "a signature (map) or null");
      out.embed.chord = std::move(v);
    }
  }
  read_arguments(args != nullptr ? *args : none_args, kwargs != nullptr ? *kwargs : none, out, in);
  if (out.id.empty()) in.missing("id");
  if (!in.ok()) return fail(in.take_error());
  return {};
}

value encode_body(task_message& from) {
  auto or_null = [](value::list&& l) { return l.empty() ? value{} : value{std::move(l)}; };
  value::map embed;
  embed.reserve(4);
  embed.push_back({"callbacks", or_null(std::move(from.embed.callbacks))});
  embed.push_back({"errbacks", or_null(std::move(from.embed.errbacks))});
  embed.push_back({"chain", from.embed.chain ? value{std::move(*from.embed.chain)} : value{}});
  embed.push_back({"chord", std::move(from.embed.chord)});
  value::list body;
  body.reserve(3);
  body.emplace_back(std::move(from.args));
  body.emplace_back(std::move(from.kwargs));
  body.emplace_back(std::move(embed));
  return body;
}

}  // namespace lovage::wire
