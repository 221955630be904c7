#include "wire/workflow_fields.hpp"

#include "wire/signature.hpp"

namespace lovage::wire {

value::map workflow_fields(task_message const& m) {
  value::map out;
  if (m.group) out.push_back({"group_id", *m.group});
  if (auto body = first_id(m.embed.chord); !body.empty()) out.push_back({"chord", std::move(body)});
  if (!m.stamps.empty()) out.push_back({"stamps", m.stamps});
  return out;
}

}  // namespace lovage::wire
