#include "app/registry.hpp"

#include "app/builtin_tasks.hpp"

#include <lovage/unpack.hpp>

#include <algorithm>

namespace lovage {

task_registry::impl::impl() : builtin_{make_builtin_tasks(*this)} {}

task_registry::impl::~impl() {
  for (auto& [name, entry] : entries_)
    if (entry.destroy) entry.destroy(entry.body);
  for (auto& [name, command] : commands_)
    if (command.entry.destroy) command.entry.destroy(command.entry.body);
}

own_command const* task_registry::impl::find_command(std::string_view name) const noexcept {
  auto const at = commands_.find(name);
  return at == commands_.end() ? nullptr : &at->second;
}

void task_registry::impl::add_command(void* self, lovage_command_entry const* entry) {
  auto& me = *static_cast<impl*>(self);
  try {
    own_command made{entry->name, *entry, me.source_};
    auto const [at, fresh] = me.commands_.emplace(made.name, made);
    if (fresh) return;
    if (me.error_.empty())
      me.error_ = "command '" + made.name + "' is defined twice: by " + at->second.source + " and by " + me.source_;
  } catch (std::exception const& e) {
    if (me.error_.empty()) me.error_ = e.what();
  }
  if (entry->destroy) entry->destroy(entry->body);
}

expected<value> task_registry::impl::run(own_command const& command, value::map const& arguments) {
  struct outcome {
    bool ok = false;
    std::string data = "it gave no answer";
  } out;
  auto const answer = [](void* to, int ok, char const* data, std::size_t size) {
    auto& into = *static_cast<outcome*>(to);
    into.ok = ok != 0;
    into.data.assign(data, size);
  };
  auto const packed = pack(value{arguments});
  command.entry.run(command.entry.body, packed.data(), packed.size(), &out, answer);
  if (!out.ok) return lovage::fail(errc::task_failed, out.data);
  return unpacker{out.data}.any();
}

task_entry const* task_registry::impl::find(std::string_view name) const noexcept {
  if (auto const at = entries_.find(name); at != entries_.end()) return &at->second;
  auto const at = builtin_.find(name);
  return at == builtin_.end() ? nullptr : &at->second;
}

lovage_registry const* task_registry::impl::begin(std::string source) {
  source_ = std::move(source);
  error_.clear();
  face_ = lovage_registry{
      sizeof(lovage_registry), this, &impl::add, &impl::fail, &impl::add_command, &impl::add_hook, &impl::add_around,
      &impl::add_periodic};
  return &face_;
}

std::string task_registry::impl::finish() { return std::exchange(error_, {}); }

void task_registry::impl::add(void* self, lovage_task_entry const* entry) {
  auto& me = *static_cast<impl*>(self);
  try {
    me.insert(*entry);
  } catch (std::exception const& e) {
    if (me.error_.empty()) me.error_ = e.what();
  }
}

void task_registry::impl::fail(void* self, char const* text, std::size_t size) {
  auto& me = *static_cast<impl*>(self);
  if (me.error_.empty()) me.error_.assign(text, size);
}

void task_registry::impl::add_hook(void* self, lovage_hook_entry const* entry) {
  auto& me = *static_cast<impl*>(self);
  try {
    me.hooks_.add(*entry);
  } catch (std::exception const& e) {
    if (me.error_.empty()) me.error_ = e.what();
  }
}

void task_registry::impl::add_around(void* self, lovage_around_entry const* entry) {
  auto& me = *static_cast<impl*>(self);
  try {
    me.hooks_.add(*entry);
  } catch (std::exception const& e) {
    if (me.error_.empty()) me.error_ = e.what();
  }
}

void task_registry::impl::add_periodic(void* self, lovage_periodic_entry const* entry) {
  auto& me = *static_cast<impl*>(self);
  try {
    own_periodic made{entry->name, unpacker{{entry->spec, entry->spec_size}}.any(), me.source_};
    auto const taken = std::find_if(me.periodic_.begin(), me.periodic_.end(),
                                    [&](own_periodic const& have) { return have.name == made.name; });
    if (taken == me.periodic_.end()) return me.periodic_.push_back(std::move(made));
    if (me.error_.empty())
      me.error_ =
          "the periodic task '" + made.name + "' is defined twice: by " + taken->source + " and by " + me.source_;
  } catch (std::exception const& e) {
    if (me.error_.empty()) me.error_ = e.what();
  }
}

namespace {

// What stands under `name` goes over what the task's own code set.
void annotate_spec(value::map& spec, value::map const& annotations, std::string_view name) {
  auto const* found = find(annotations, name);
  auto const* options = found ? found->get_if<value::map>() : nullptr;
  for (std::size_t i = 0; options && i < options->size(); ++i) {
    auto const& option = (*options)[i];
    auto const at = std::find_if(spec.begin(), spec.end(), [&](auto const& m) { return m.key == option.key; });
    if (at == spec.end()) {
      spec.push_back(option);
    } else {
      at->val = option.val;
    }
  }
}

}  // namespace

void task_registry::impl::insert(lovage_task_entry const& given) {
  task_entry entry{given.name, {}, given.run, given.body, given.destroy, source_};
  auto const taken = entries_.find(entry.name);
  if (taken != entries_.end() || entry.name.empty()) {
    if (given.destroy) given.destroy(given.body);
    if (error_.empty())
      error_ = entry.name.empty()
                   ? "a task without a name"
                   : "task '" + entry.name + "' is defined twice: by " + taken->second.source + " and by " + source_;
    return;
  }
  auto spec = unpacker{{given.spec, given.spec_size}}.any();
  if (auto* m = spec.get_if<value::map>()) entry.spec = std::move(*m);
  annotate_spec(entry.spec, annotations_, "*");
  annotate_spec(entry.spec, annotations_, entry.name);
  entries_.emplace(entry.name, std::move(entry));
}

task_registry::task_registry() : impl_{std::make_unique<impl>()} {}
task_registry::~task_registry() = default;
task_registry::task_registry(task_registry&&) noexcept = default;
task_registry& task_registry::operator=(task_registry&&) noexcept = default;

lovage_registry const* task_registry::begin_definitions() { return impl_->begin("this program"); }

void task_registry::end_definitions() {
  if (auto text = impl_->finish(); !text.empty()) throw error{errc::invalid_argument, std::move(text)};
}

bool task_registry::contains(std::string_view name) const { return impl_->find(name) != nullptr; }

namespace {

std::string text_of(value const& v) {
  auto const* s = v.get_if<std::string>();
  return s ? *s : std::string{};
}

task_info describe(task_entry const& entry) {
  task_info out{entry.name, {}, {}, {}, entry.source};
  for (auto const& item : entry.spec) {
    if (item.key == "returns") {
      out.returns = text_of(item.val);
    } else if (item.key != "params") {
      out.options.push_back(item);
    } else if (auto const* params = item.val.get_if<value::list>()) {
      for (auto const& p : *params)
        if (auto const* pair = p.get_if<value::list>(); pair && pair->size() == 2)
          out.parameters.push_back({text_of((*pair)[0]), text_of((*pair)[1])});
    }
  }
  return out;
}

}  // namespace

std::vector<task_info> task_registry::list() const {
  std::vector<task_info> out;
  for (auto const& [name, entry] : impl_->entries()) out.push_back(describe(entry));
  return out;
}

}  // namespace lovage
