# What the layers link, and how somebody who links the static library finds the same.
# A new library in a layer's LIBS needs a row here; configuring says so.
include_guard()

# CMake target | line for lovageConfig.cmake | pkg-config package | plain linker flag.
# Nothing but the target: header-only, seen by nobody who uses lovage.
set(LOVAGE_REQUIREMENTS
  "Threads::Threads|find_dependency(Threads)||-pthread"
  "ZLIB::ZLIB|find_dependency(ZLIB)|zlib|"
  "BZip2::BZip2|find_dependency(BZip2)||-lbz2"
  "LibLZMA::LibLZMA|find_dependency(LibLZMA)|liblzma|"
  "PkgConfig::brotli|lovage_find_pkg(brotli libbrotlienc libbrotlidec)|libbrotlienc libbrotlidec|"
  "PkgConfig::hiredis|lovage_find_pkg(hiredis hiredis)|hiredis|"
  "PkgConfig::mariadb|lovage_find_pkg(mariadb libmariadb)|libmariadb|"
  "PkgConfig::pq|lovage_find_pkg(pq libpq)|libpq|"
  "PkgConfig::rabbitmq|lovage_find_pkg(rabbitmq librabbitmq)|librabbitmq|"
  "PkgConfig::yaml|lovage_find_pkg(yaml yaml-0.1)|yaml-0.1|"
  "PkgConfig::zstd|lovage_find_pkg(zstd libzstd)|libzstd|"
  "OpenSSL::Crypto|find_dependency(OpenSSL)|libcrypto|"
  "OpenSSL::SSL|find_dependency(OpenSSL)|libssl|"
  "SQLite::SQLite3|find_dependency(SQLite3)|sqlite3|"
  "date::date-tz|find_dependency(date)||-ldate-tz"
  "nova|||-lnova"
  "fmt::fmt|find_dependency(fmt)|fmt|"
  "spdlog::spdlog|find_dependency(spdlog)|spdlog|"
  "dl|||-ldl"
  "Boost::headers" "CLI11::CLI11" "toml11::toml11" "fmt::fmt-header-only" "spdlog::spdlog_header_only")

# Notes what users of the static library need for `lib`; sets LOVAGE_HEADER_ONLY for the caller.
function(lovage_requirement lib)
  set(row ${LOVAGE_REQUIREMENTS})
  list(FILTER row INCLUDE REGEX "^${lib}([|]|$)")
  if(NOT row)
    message(FATAL_ERROR "lovage: a layer links ${lib}, which has no row in cmake/LovageRequirements.cmake; "
      "add one, so that users of the installed library find it")
  endif()
  string(REPLACE "|" ";" row "${row}")
  list(LENGTH row fields)
  if(fields EQUAL 1)
    set(LOVAGE_HEADER_ONLY TRUE PARENT_SCOPE)
    return()
  endif()
  set(LOVAGE_HEADER_ONLY FALSE PARENT_SCOPE)
  list(GET row 1 find)
  list(GET row 2 package)
  list(GET row 3 flag)
  set_property(GLOBAL APPEND PROPERTY LOVAGE_FIND_LINES ${find})
  set_property(GLOBAL APPEND PROPERTY LOVAGE_PC_PACKAGES ${package})
  set_property(GLOBAL APPEND PROPERTY LOVAGE_PC_FLAGS ${flag})
endfunction()
