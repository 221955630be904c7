#include "cli/program.hpp"

int main(int argc, char** argv) { return lovage::cli::run(argc, argv); }
