// Waits for results on a database: told where it can tell (PostgreSQL), asking where it cannot.
#pragma once

#include "backend/result_backend.hpp"
#include "io/descriptor.hpp"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::backend {

/// One per id, in order.
using records_reader =
    std::function<expected<std::vector<expected<wire::result_record>>>(std::span<task_id const> ids, deadline until)>;

/// The channel of PostgreSQL on which ids are told, several parted by line ends; not more than this at once.
inline constexpr char const* result_channel = "lovage_results";
inline constexpr std::size_t most_told = 7'900;

/// `address`: of a PostgreSQL that tells; empty: asking only.
[[nodiscard]] expected<std::unique_ptr<watch>> make_sql_watch(records_reader read, std::string address);

}  // namespace lovage::backend
