import LockstepCollective
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct MemoryNeedTests {
  static func need(_ bytes: Int) -> MemoryNeed {
    var need = MemoryNeed()
    need.add("parameters", values: bytes / 4)
    return need
  }

  /// All ranks of a node share its memory, and all throw the same.
  @Test func theRanksOfANodeNeedTheirMemoryTogether() throws {
    let memory = NodeMemory(node: 1000, limit: "the machine's memory")
    _ = try InProcessGroup.run(ranks: 4) { group in
      try Self.need(248).check(memory, on: group)
      let error = #expect(throws: MemoryShortage.self) {
        // The last rank's part is what does not fit.
        try Self.need(group.rank == 3 ? 280 : 248).check(memory, on: group)
      }
      #expect(error?.ranks == 0..<4 && error?.needed == 1024 && error?.available == 1000)
      #expect("\(error!)".contains("need together at least 1.0 KiB, and 1000 bytes are available"))
    }
  }

  @Test func aProcessHasItsOwnLimit() throws {
    _ = try InProcessGroup.run(ranks: 2) { group in
      let memory = NodeMemory(
        node: 10_000, limit: "the machine's memory", process: group.rank == 1 ? 100 : nil)
      let error = #expect(throws: MemoryShortage.self) {
        try Self.need(200).check(memory, on: group)
      }
      #expect(error?.ranks == 1..<2 && error?.available == 100)
    }
  }

  @Test func sumsDoNotOverflow() throws {
    var need = MemoryNeed()
    need.add("a", values: .max)
    need.add("b", values: 1 << 61, times: 1 << 61)
    need.add("nothing", values: 0)
    #expect(need.total == .max && need.parts.count == 2)
    #expect("\(ByteCount(need.total))" == "more than 8 EiB")
    #expect("\(ByteCount(3 << 29))" == "1.5 GiB" && "\(ByteCount(1023))" == "1023 bytes")
    _ = try InProcessGroup.run(ranks: 2) { group in
      var need = MemoryNeed()
      need.add("a", values: .max)
      #expect(throws: MemoryShortage.self) { try need.check(on: group) }
    }
  }

  /// The smallest limit of the control groups, less what is used and cannot be forgotten.
  @Test(arguments: [false, true])
  func controlGroupsLimitANode(isUnified: Bool) throws {
    try withTemporaryDirectory { root in
      let files = SystemFileSystem()
      func write(_ path: String, _ text: String) throws {
        try files.createDirectory(
          "\(root)/" + path.split(separator: "/").dropLast().joined(separator: "/"))
        try AtomicFile.write("\(root)/\(path)", text: text)
      }
      try write("proc/meminfo", "MemTotal:  2000 kB\nMemAvailable:    1000 kB\n")
      try write("proc/self/statm", "100 50 20 1 0 30 0\n")
      let base = isUnified ? "sys/fs/cgroup" : "sys/fs/cgroup/memory"
      try write(
        "proc/self/cgroup",
        isUnified ? "0::/job/step\n" : "4:cpu:/else\n3:memory:/job/step\n0::/job\n")
      #expect(NodeMemory.read(root: root).node == 1000 << 10)
      let names =
        isUnified
        ? ("memory.max", "memory.current", "inactive_file")
        : ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
      try write("\(base)/job/step/\(names.0)", isUnified ? "max\n" : "9223372036854771712\n")
      try write("\(base)/job/step/\(names.1)", "5000\n")
      try write("\(base)/job/\(names.0)", "100000\n")
      try write("\(base)/job/\(names.1)", "60000\n")
      try write("\(base)/job/memory.stat", "anon 1\n\(names.2) 20000\n")
      let memory = NodeMemory.read(root: root)
      #expect(memory.node == 60000)
      #expect(memory.limit.contains("/job"))
    }
  }
}
