import LockstepState
import LockstepEngine
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct StateRegistryTests {
  @Test func arenasAreSeenAsTheirSlots() throws {
    let registry = try SmallState().registry()
    #expect(
      registry.tensors.map(\.name)
        == ["parameters/fc.weight", "parameters/fc.bias", "history", "sums", "counters"])
    #expect(registry.tensors.map(\.shape) == [[3, 2], [3], [3], [2], [2]])
    #expect(registry.tensors.map(\.element) == [.float32, .float32, .float32, .float64, .int64])
  }

  @Test func namesAreUnique() throws {
    let registry = try SmallState().registry()
    let other = SmallState()
    #expect(throws: StateError.duplicateName("counters")) {
      try registry.add([other.entries[3]], of: other)
    }
  }

  @Test func theFingerprintCoversNamesShapesOrderAndBits() throws {
    let values = Arena<Float>(count: 32)
    values.buffer[0] = 1
    func fingerprint(_ tensors: [(name: String, shape: [Int])], entry: String = "p") throws
      -> String
    {
      let registry = StateRegistry()
      try registry.add(
        [StateEntry(entry, .arena(values.buffer, FlatLayout(tensors)))], of: values)
      return registry.fingerprint().description
    }
    let base = try fingerprint([("a", [2, 3]), ("b", [4])])
    #expect(try fingerprint([("a", [2, 3]), ("b", [4])]) == base)
    var others: Set<String> = [base]
    others.insert(try fingerprint([("a", [3, 2]), ("b", [4])]))
    others.insert(try fingerprint([("b", [2, 3]), ("a", [4])]))
    others.insert(try fingerprint([("a", [2, 3]), ("c", [4])]))
    others.insert(try fingerprint([("a", [2, 3]), ("b", [4])], entry: "q"))
    values.buffer[0] = -1
    others.insert(try fingerprint([("a", [2, 3]), ("b", [4])]))
    values.buffer[0] = 0
    others.insert(try fingerprint([("a", [2, 3]), ("b", [4])]))
    values.buffer[0] = -0.0
    others.insert(try fingerprint([("a", [2, 3]), ("b", [4])]))
    #expect(others.count == 8)
  }

  @Test func aSingleFlippedBitIsFoundWithRankAndTensor() throws {
    for ranks in 2...4 {
      let errors = try group(of: ranks) { group -> [String] in
        let state = SmallState()
        let registry = try state.registry()
        var errors: [String] = []
        func compare() {
          do {
            try registry.compare(on: group)
            errors.append("equal")
          } catch { errors.append("\(error)") }
        }
        compare()
        if group.rank == ranks - 1 { state.doubles.buffer[1] = state.doubles.buffer[1].nextUp }
        compare()
        if group.rank == 0 { state.arena.buffer[17] = state.arena.buffer[17].nextDown }
        compare()
        return errors
      }
      for error in errors {
        #expect(error[0] == "equal")
        #expect(error[1].hasPrefix("sums on rank \(ranks - 1) differs"))
        #expect(error[2].hasPrefix("parameters/fc.bias on rank"))
      }
    }
  }

  @Test func broadcastMakesAllRanksEqualToRankZero() throws {
    let first = try SmallState(seed: 0).registry().fingerprint()
    let results = try group(of: 3) { group in
      let registry = try SmallState(seed: UInt64(group.rank)).registry()
      try registry.broadcast(on: group)
      try registry.compare(on: group)
      return registry.fingerprint()
    }
    #expect(results == [first, first, first])
  }

  @Test func differentModelsAreToldApart() throws {
    let errors = try group(of: 2) { group -> String in
      let registry = StateRegistry()
      let state = SmallState()
      try registry.add(group.rank == 0 ? state.entries : [state.entries[1]], of: state)
      do {
        try registry.compare(on: group)
        return "equal"
      } catch { return "\(error)" }
    }
    for error in errors { #expect(error.contains("different tensors ([5, 1] of them)")) }
  }
}
