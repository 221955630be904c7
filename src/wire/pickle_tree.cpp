#include "wire/pickle_tree.hpp"

#include "wire/pickle_octets.hpp"

#include <cstdint>
#include <unordered_map>

namespace lovage::wire {
namespace {

using namespace pickled;
using kind = pickle_node::kind;

class pickle_machine {
 public:
  explicit pickle_machine(std::string_view data) : in_{data} {}
  pickle_tree run() {
    while (step(in_.octet())) {
    }
    out_.root = pop();
    return std::move(out_);
  }
  [[nodiscard]] std::size_t position() const noexcept { return in_.position(); }

 private:
  bool step(unsigned char code);
  bool step_scalar(unsigned char code);
  bool step_text(unsigned char code);
  bool step_container(unsigned char code);
  bool step_object(unsigned char code);
  bool step_memo(unsigned char code);

  pickle_node* make(kind is) {
    out_.nodes.emplace_back().is = is;
    return &out_.nodes.back();
  }
  void push(pickle_node* n) { stack_.push_back(n); }
  void push(value v) {
    auto* const n = make(kind::scalar);
    n->scalar = std::move(v);
    push(n);
  }
  pickle_node* pop() {
    auto* const out = top();
    stack_.pop_back();
    return out;
  }
  pickle_node* top() {
    if (stack_.empty() || stack_.back() == nullptr) broken("an opcode finds too little on the stack");
    return stack_.back();
  }
  std::vector<pickle_node*> pop_to_mark() {
    std::size_t at = stack_.size();
    while (at > 0 && stack_[at - 1] != nullptr) --at;
    if (at == 0) broken("an opcode finds no mark");
    std::vector<pickle_node*> out(stack_.begin() + static_cast<std::ptrdiff_t>(at), stack_.end());
    stack_.resize(at - 1);
    return out;
  }
  void tuple_of(std::size_t n) {
    auto* const t = make(kind::tuple);
    t->members.resize(n);
    while (n > 0) t->members[--n] = pop();
    push(t);
  }
  void container_of_marked(kind is) {
    auto members = pop_to_mark();
    if (is == kind::dict && members.size() % 2 != 0) broken("a dict has a key without value");
    auto* const n = make(is);
    n->members = std::move(members);
    push(n);
  }
  void extend(std::vector<pickle_node*> const& by, bool pairs) {
    auto* const to = top();
    bool const fits =
        to->is == kind::object || (pairs ? to->is == kind::dict : to->is == kind::list || to->is == kind::set);
    if (!fits || (pairs && by.size() % 2 != 0)) broken("members are added to what takes none");
    to->members.insert(to->members.end(), by.begin(), by.end());
  }
  void global(std::string_view module, std::string_view name) {
    auto* const n = make(kind::global);
    n->module = module, n->name = name;
    push(n);
  }
  void call(pickle_node* callee, pickle_node* arguments) {
    if (arguments->is != kind::tuple) broken("a call has no tuple of arguments");
    auto* const n = make(kind::object);
    n->callee = callee, n->arguments = arguments;
    push(n);
  }
  void call_marked(pickle_node* callee, std::vector<pickle_node*> arguments) {
    auto* const t = make(kind::tuple);
    t->members = std::move(arguments);
    call(callee, t);
  }
  void stack_global() {
    auto const* const name = pop()->scalar.get_if<std::string>();
    auto const* const module = pop()->scalar.get_if<std::string>();
    if (name == nullptr || module == nullptr) broken("a class has no name");
    global(*module, *name);
  }
  void build() {
    auto* const state = pop();
    if (top()->is != kind::object) broken("a state is set of what has none");
    top()->state = state;
  }
  void recall(std::uint64_t at) {
    auto const kept = memo_.find(at);
    if (kept == memo_.end()) broken("it refers to what it did not keep");
    push(kept->second);
  }

  octet_source in_;
  pickle_tree out_;
  std::vector<pickle_node*> stack_;  ///< nullptr: a mark
  std::unordered_map<std::uint64_t, pickle_node*> memo_;
};

// The opcodes are those of Python's pickletools, whose names stand beside the letters that say little.
bool pickle_machine::step(unsigned char code) {
  switch (code) {
    case '.': return false;
    case 0x80:  // PROTO
      if (auto const version = in_.octet(); version > 5) broken("its protocol is " + std::to_string(version));
      return true;
    case 0x95: return in_.take(8), true;  // FRAME
    case 'P':
    case 'Q': throw pickle_fault{errc::not_supported, "it refers to something outside (a persistent id)"};
    case 0x82:
    case 0x83:
    case 0x84: throw pickle_fault{errc::not_supported, "it uses an extension registered with copyreg"};
    case 0x97:
    case 0x98: throw pickle_fault{errc::not_supported, "it keeps its data outside (a buffer)"};
    default: break;
  }
  if (step_scalar(code) || step_text(code) || step_container(code) || step_object(code) || step_memo(code)) return true;
  broken("its opcode " + std::to_string(code) + " is not known");
}

bool pickle_machine::step_scalar(unsigned char code) {
  switch (code) {
    case 'N': return push(value{}), true;
    case 0x88: return push(value{true}), true;
    case 0x89: return push(value{false}), true;
    case 'I':
    case 'L': return push(integer_line(in_.line())), true;
    case 'J': return push(value{static_cast<std::int32_t>(in_.number(4))}), true;
    case 'K': return push(value{in_.number(1)}), true;
    case 'M': return push(value{in_.number(2)}), true;
    case 0x8a: return push(long_value(in_.counted(1))), true;
    case 0x8b: return push(long_value(in_.counted(4))), true;
    case 'F': return push(real_line(in_.line())), true;
    case 'G': return push(real_octets(in_)), true;
    default: return false;
  }
}

bool pickle_machine::step_text(unsigned char code) {
  switch (code) {
    case 'S': return push(quoted_text(in_.line())), true;
    case 'T': return push(text_or_bytes(in_.counted(4))), true;
    case 'U': return push(text_or_bytes(in_.counted(1))), true;
    case 'V': return push(raw_unicode(in_.line())), true;
    case 0x8c: return push(text_value(in_.counted(1))), true;  // SHORT_BINUNICODE
    case 'X': return push(text_value(in_.counted(4))), true;
    case 0x8d: return push(text_value(in_.counted(8))), true;
    case 'C': return push(value{bytes{std::string{in_.counted(1)}}}), true;
    case 'B': return push(value{bytes{std::string{in_.counted(4)}}}), true;
    case 0x8e:                                                                // BINBYTES8
    case 0x96: return push(value{bytes{std::string{in_.counted(8)}}}), true;  // BYTEARRAY8
    default: return false;
  }
}

bool pickle_machine::step_container(unsigned char code) {
  switch (code) {
    case '(': return push(nullptr), true;
    case ']': return push(make(kind::list)), true;
    case '}': return push(make(kind::dict)), true;
    case ')': return push(make(kind::tuple)), true;
    case 0x8f: return push(make(kind::set)), true;
    case 'l': return container_of_marked(kind::list), true;
    case 'd': return container_of_marked(kind::dict), true;
    case 't': return container_of_marked(kind::tuple), true;
    case 0x91: return container_of_marked(kind::set), true;  // FROZENSET
    case 0x85:
    case 0x86:
    case 0x87: return tuple_of(code - 0x84U), true;
    case 'a': {
      auto* const one = pop();
      return extend({one}, false), true;
    }
    case 's': {
      auto* const what = pop();
      auto* const key = pop();
      return extend({key, what}, true), true;
    }
    case 'e':
    case 0x90: return extend(pop_to_mark(), false), true;  // APPENDS, ADDITEMS
    case 'u': return extend(pop_to_mark(), true), true;
    default: return false;
  }
}

bool pickle_machine::step_object(unsigned char code) {
  switch (code) {
    case 'c': {
      auto const module = in_.line();
      return global(module, in_.line()), true;
    }
    case 0x93: return stack_global(), true;
    case 'R':
    case 0x81: {  // NEWOBJ
      auto* const arguments = pop();
      return call(pop(), arguments), true;
    }
    case 0x92: {  // NEWOBJ_EX
      auto* const by_name = pop();
      if (by_name->is != kind::dict || !by_name->members.empty())
        throw pickle_fault{errc::not_supported, "it calls a class with named arguments"};
      auto* const arguments = pop();
      return call(pop(), arguments), true;
    }
    case 'i': {
      auto const module = in_.line();
      auto arguments = pop_to_mark();
      global(module, in_.line());
      return call_marked(pop(), std::move(arguments)), true;
    }
    case 'o': {
      auto members = pop_to_mark();
      if (members.empty()) broken("an object has no class");
      return call_marked(members.front(), {members.begin() + 1, members.end()}), true;
    }
    case 'b': return build(), true;
    default: return false;
  }
}

bool pickle_machine::step_memo(unsigned char code) {
  switch (code) {
    case '0':
      if (stack_.empty()) broken("an opcode finds too little on the stack");
      return stack_.pop_back(), true;
    case '1': return (void)pop_to_mark(), true;
    case '2': return push(top()), true;
    case 'p': return memo_[memo_line(in_.line())] = top(), true;
    case 'q': return memo_[in_.number(1)] = top(), true;
    case 'r': return memo_[in_.number(4)] = top(), true;
    case 0x94: {  // MEMOIZE
      auto const next = memo_.size();
      return memo_[next] = top(), true;
    }
    case 'g': return recall(memo_line(in_.line())), true;
    case 'h': return recall(in_.number(1)), true;
    case 'j': return recall(in_.number(4)), true;
    default: return false;
  }
}

}  // namespace

expected<pickle_tree> read_pickle(std::string_view data) {
  pickle_machine machine{data};
  try {
    return machine.run();
  } catch (pickle_fault const& why) {
    return fail(why.code, "the pickle cannot be read: " + why.detail,
                "pickle, byte " + std::to_string(machine.position()));
  }
}

}  // namespace lovage::wire
