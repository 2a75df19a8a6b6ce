// Python with a sanitizer's runtime in it: Clang's thread sanitizer cannot be loaded into a program that lacks it.

#include <Python.h>

int main(int count, char** arguments) { return Py_BytesMain(count, arguments); }
