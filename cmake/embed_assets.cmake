# cmake -DDIST=folder -DOUT=file.cpp -P embed_assets.cmake: the folder's files as C++; an empty DIST gives none.
cmake_minimum_required(VERSION 3.25)
set(arrays "")
set(rows "")
if(DIST)
  file(GLOB_RECURSE files RELATIVE ${DIST} ${DIST}/*)
  if(NOT "index.html" IN_LIST files)
    message(FATAL_ERROR "lovage: there is no index.html in ${DIST}; build the pages with: npm --prefix web run build")
  endif()
  set(n 0)
  foreach(file IN LISTS files)
    if(file MATCHES "\\.map$")
      continue()
    endif()
    file(READ ${DIST}/${file} hex HEX)
    string(LENGTH "${hex}" size)
    math(EXPR size "${size} / 2")
    string(REGEX REPLACE "(................................................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," octets "${hex}")
    string(APPEND arrays "constexpr unsigned char file_${n}[] = {${octets}0};\n")
    string(APPEND rows "    {\"${file}\", text_of(file_${n}, ${size})},\n")
    math(EXPR n "${n} + 1")
  endforeach()
endif()
if(rows)
  set(body "  static embedded_asset const all[] = {\n${rows}  };\n  return all;")
  set(helper "std::string_view text_of(unsigned char const* data, std::size_t size) {
  return {reinterpret_cast<char const*>(data), size};
}\n")
else()
  set(body "  return {};")
  set(helper "")
endif()
file(WRITE ${OUT}.new "// Made by cmake/embed_assets.cmake.
#include \"web/assets.hpp\"

namespace lovage::web {
namespace {
${arrays}${helper}}  // namespace

std::span<embedded_asset const> embedded_assets() noexcept {
${body}
}

}  // namespace lovage::web
")
file(COPY_FILE ${OUT}.new ${OUT} ONLY_IF_DIFFERENT)
file(TOUCH ${OUT})
