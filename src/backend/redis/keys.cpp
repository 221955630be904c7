#include "backend/redis/keys.hpp"

#include "redis/endpoint.hpp"

namespace lovage::backend::redis {
namespace {

// A command of so many keys is one step of the server, during which nobody else is served.
constexpr std::size_t keys_at_once = 1'000;

}  // namespace

expected<key_names> key_names::read(value::map const& transport_options) {
  auto prefix = lovage::redis::text_option(transport_options, "global_keyprefix");
  if (!prefix) return fail(prefix.error());
  if (!prefix->empty() && std::string_view{":_-."}.find(prefix->back()) == std::string_view::npos) *prefix += '_';
  key_names out;
  out.results_ = *prefix + "celery-task-meta-";
  out.groups_ = *prefix + "celery-taskset-meta-";
  out.claims_ = *prefix + "lovage.chords";
  out.runs_ = *prefix + "lovage.run-";
  return out;
}

expected<std::vector<stored_bytes>> read_stored(lovage::redis::client& from, key_names const& names,
                                                std::vector<std::string> ids, lovage::redis::repeat again,
                                                deadline until) {
  lovage::redis::commands c;
  for (std::size_t i = 0; i < ids.size(); i += keys_at_once) {
    auto const n = std::min(keys_at_once, ids.size() - i);
    c.begin(1 + n);
    c.word("MGET");
    for (std::size_t k = i; k < i + n; ++k) c.word(names.result(ids[k]));
  }
  auto answers = from.run(c, again, until);
  if (!answers) return fail(answers.error());
  std::vector<stored_bytes> out;
  out.reserve(ids.size());
  for (auto& a : *answers) {
    if (a.is_error()) return fail(lovage::redis::to_error(a));
    for (auto& item : a.items) {
      if (out.size() == ids.size()) break;
      auto& id = ids[out.size()];
      out.push_back({std::move(id), item.is_text() ? std::optional{std::move(item.text)} : std::nullopt});
    }
  }
  if (out.size() != ids.size()) return fail(errc::unavailable, "Redis answered MGET with too few values");
  return out;
}

}  // namespace lovage::backend::redis
