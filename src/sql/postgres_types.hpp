// Numbers of PostgreSQL's own types: fixed for all servers (pg_type.dat).
#pragma once

namespace lovage::sql::pg_type {

inline constexpr unsigned boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, text = 25, oid = 26, float4 = 700,
                          float8 = 701, bytea_array = 1001, text_array = 1009, int8_array = 1016, timestamp = 1114,
                          timestamptz = 1184, timestamptz_array = 1185;

}  // namespace lovage::sql::pg_type
