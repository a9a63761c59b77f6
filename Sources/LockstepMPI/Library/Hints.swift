internal import CMPI

/// Calls `body` with hints as MPI takes them: keys and values of text that a library may heed or not.
/// Source: MPI 3.1, chapter 9.
func withInfo<Result>(
  _ hints: [String: String], _ call: String,
  _ body: (lockstep_mpi_info) throws(MPIError) -> Result
) throws(MPIError) -> Result {
  guard !hints.isEmpty else { return try body(lockstep_mpi_info_null()) }
  var info = lockstep_mpi_info_null()
  try check("MPI_Info_create", lockstep_mpi_info_create(&info))
  do {
    for (key, value) in hints.sorted(by: { $0.key < $1.key }) {
      try requireText(call, "key", key, lockstep_mpi_max_info_key())
      try requireText(call, "value of '\(key)'", value, lockstep_mpi_max_info_value())
      try check("MPI_Info_set", lockstep_mpi_info_set(info, key, value))
    }
    let result = try body(info)
    try check("MPI_Info_free", lockstep_mpi_info_free(&info))
    return result
  } catch {
    _ = lockstep_mpi_info_free(&info)
    throw error
  }
}

private func requireText(
  _ call: String, _ what: String, _ text: String, _ limit: Int32
) throws(MPIError) {
  guard !text.isEmpty, text.utf8.count < limit, !text.utf8.contains(0) else {
    throw argumentError(
      call, "a hint's \(what) has \(text.utf8.count) bytes; it needs 1 to \(limit - 1), and no 0")
  }
}

/// The hints that MPI gives back.
func hints(_ info: lockstep_mpi_info) throws(MPIError) -> [String: String] {
  var count: Int32 = 0
  try check("MPI_Info_get_nkeys", lockstep_mpi_info_count(info, &count))
  var result: [String: String] = [:]
  let length = Int(lockstep_mpi_max_info_value())
  for index in 0..<count {
    var key = [CChar](repeating: 0, count: Int(lockstep_mpi_max_info_key()) + 1)
    try check("MPI_Info_get_nthkey", lockstep_mpi_info_key(info, index, &key))
    var value = [CChar](repeating: 0, count: length + 1)
    var found: Int32 = 0
    try check(
      "MPI_Info_get", lockstep_mpi_info_value(info, key, Int32(length), &value, &found))
    if found != 0 { result[text(key)] = text(value) }
  }
  return result
}

private func text(_ characters: [CChar]) -> String {
  String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
