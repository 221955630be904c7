// Workflows by chance, and what each comes to by the rules alone.
#pragma once

#include "wire/signature.hpp"

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lovage::testing::canvas_rules {

using wire::signature;

template <class... A>
signature call(char const* name, A... args) {
  signature s;
  s.task = name;
  s.args = value::list{value{args}...};
  return s;
}

inline signature chain(std::vector<signature> steps) { return wire::make_chain(std::move(steps)); }
inline signature group(std::vector<signature> members) { return wire::make_group(std::move(members)); }
inline signature chord(std::vector<signature> header, signature body) {
  return wire::make_chord(std::move(header), std::move(body));
}

/// Makes them: each task is `t.mark` with a number of its own.
class chance {
 public:
  explicit chance(unsigned seed) : from_{seed} {}

  struct flow {
    signature s;
    enum { task, chain, group, chord } kind = task;
    int n = 0;
    std::vector<flow> parts;  ///< steps; members; header
    std::vector<flow> body;   ///< one, of a chord
  };

  flow make(int depth) {
    flow out;
    auto const kind = depth == 0 ? 0 : pick(4);
    if (kind == 0) {
      out.n = ++tasks_;
      out.s = call("t.mark", out.n);
      return out;
    }
    out.kind = kind == 1 ? flow::chain : kind == 2 ? flow::group : flow::chord;
    auto const least = kind == 1 ? 1 : 0;
    auto const size = least + pick(4 - least);
    std::vector<signature> parts;
    for (int i = 0; i < size; ++i) {
      out.parts.push_back(make(depth - 1));
      parts.push_back(out.parts.back().s);
    }
    if (kind == 1) out.s = canvas_rules::chain(std::move(parts));
    if (kind == 2) out.s = canvas_rules::group(std::move(parts));
    if (kind != 3) return out;
    out.body.push_back(make(depth - 1));
    out.s = canvas_rules::chord(std::move(parts), out.body[0].s);
    return out;
  }

 private:
  int pick(int n) { return std::uniform_int_distribution<int>{0, n - 1}(from_); }
  std::mt19937 from_;
  int tasks_ = 0;
};

using flow = chance::flow;

// A group, however it is wrapped: as a member of another it is its members.
inline flow const* bare_group(flow const& f) {
  if (f.kind == flow::group) return &f;
  return f.kind == flow::chain && f.parts.size() == 1 ? bare_group(f.parts[0]) : nullptr;
}

inline value outcome_of(flow const& f, value in);

inline value::list results_of(std::vector<flow> const& members, value const& in) {
  value::list out;
  for (auto const& m : members) {
    if (auto const* inner = bare_group(m)) {
      for (auto& r : results_of(inner->parts, in)) out.push_back(std::move(r));
    } else {
      out.push_back(outcome_of(m, in));
    }
  }
  return out;
}

inline value outcome_of(flow const& f, value in) {
  switch (f.kind) {
    case flow::task: return value::list{f.n, std::move(in)};
    case flow::group: return results_of(f.parts, in);
    case flow::chord: return outcome_of(f.body[0], results_of(f.parts, in));
    case flow::chain: break;
  }
  for (auto const& step : f.parts) in = outcome_of(step, std::move(in));
  return in;
}

}  // namespace lovage::testing::canvas_rules
