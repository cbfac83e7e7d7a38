# Run as a script: writes OUTPUT, a C++ source whose function NAME answers every NNNN_name.sql of FOLDER, so that
# the binary carries its schema and needs no files beside it.
file(GLOB files ${FOLDER}/*.sql)
list(SORT files)
set(entries "")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  file(READ ${file} sql)
  string(APPEND entries "    {\"${name}\", R\"sql(${sql})sql\"},\n")
endforeach()
file(WRITE ${OUTPUT}
  "#include \"platform/store/migrations.h\"\n\n"
  "namespace florin::store {\n\n"
  "// Generated from ${FOLDER_NAME}; change the files there.\n"
  "const std::vector<Migration>& ${NAME}() {\n"
  "    static const std::vector<Migration> all = {\n${entries}    };\n    return all;\n}\n\n"
  "}  // namespace florin::store\n")
