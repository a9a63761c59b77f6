import LockstepFiles
import LockstepTesting
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What is wrong is named once, and every rank ends, with code 2.
@Suite struct BadInputTests {
  private func expectRefusal(
    _ arguments: [String], ranks: Int = 2, _ message: String
  ) throws {
    let result = try Lockstep.run(
      arguments + ["--run-directory", "none"], ranks: ranks, deadline: .seconds(30))
    #expect(result.ending == .exited(2), "\(result.transcript)")
    #expect(
      result.complaints.count == 1 && result.complaints.first?.contains(message) == true,
      "\(result.transcript)")
  }

  @Test func configurationsThatCannotBeUsed() throws {
    let example = Lockstep.example("digits-mlp")
    try expectRefusal(["train", "/nowhere/a.json"], "/nowhere/a.json: open: No such file")
    try expectRefusal(["train", "/tmp"], "/tmp/config.json")
    try expectRefusal(
      ["train", example, "--set", "batchSize=x"], "'batchSize' must be an integer from 1")
    try expectRefusal(
      ["train", example, "--set", "shards=2"], ranks: 3, "3 ranks but only 2 shards")
    try expectRefusal(
      ["train", example, "--set", "optimizer.groups=[{\"pattern\": \"conv*\"}]"],
      "'conv*' matches no trainable parameter")
    try expectRefusal(
      ["train", Lockstep.example("digits-cnn"), "--set", "model.units=0"], "'model.units' must be")
    try expectRefusal(
      [
        "train", example, "--set",
        "model={\"layers\": [{\"type\": \"Conv2d\", \"outChannels\": 4, \"kernel\": 31}]}",
      ], "layer '0': conv2d: a kernel that reaches over 31 does not fit")
  }

  /// Files of digits that are missing, cut, damaged or of different lengths.
  @Test func dataThatCannotBeUsed() throws {
    try withDirectory { directory in
      func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(directory)/\(name)"
        try AtomicFile.write(path, bytes: bytes)
        return path
      }
      func idx(_ kind: UInt8, _ shape: [UInt8], _ count: Int) -> [UInt8] {
        [0, 0, kind, UInt8(shape.count)] + shape.flatMap { [0, 0, 0, $0] }
          + (0..<count).map { UInt8($0 % 10) }
      }
      let images = try write("images", idx(8, [20, 4, 4], 320))
      let labels = try write("labels", idx(8, [20], 20))
      func data(_ inputs: String, _ labels: String) -> [String] {
        [
          "train", Lockstep.example("digits-mlp"), "--set",
          "data={\"type\": \"idx\", \"inputs\": \"\(inputs)\", \"labels\": \"\(labels)\"}",
          "--set", "epochs=1", "--set", "shards=4",
        ]
      }
      let sound = try Lockstep.run(data(images, labels) + ["--run-directory", "none"], ranks: 3)
      #expect(sound.fingerprint != nil, "\(sound.transcript)")

      try expectRefusal(data("\(directory)/none", labels), ranks: 3, "\(directory)/none: open")
      let cut = try write("cut", Array(idx(8, [20, 4, 4], 320).dropLast()))
      try expectRefusal(data(cut, labels), ranks: 3, "\(cut): ")
      let few = try write("few", idx(8, [19], 19))
      try expectRefusal(data(images, few), ranks: 3, "\(few): ")
      let noise = try write("noise", Array("this is no IDX file at all".utf8))
      try expectRefusal(data(noise, labels), ranks: 3, "\(noise): ")
      let gzip = try write("gzip", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3])
      try expectRefusal(data(gzip, labels), ranks: 3, "\(gzip): ")
    }
  }

  @Test func directoriesThatCannotBeWritten() throws {
    try withDirectory { directory in
      let file = "\(directory)/file"
      try AtomicFile.write(file, bytes: [1])
      let result = try Lockstep.run(
        ["train", Lockstep.example("digits-mlp"), "--run-directory", "\(file)/run"], ranks: 2)
      #expect(result.ending == .exited(2), "\(result.transcript)")
      #expect(result.complaints.count == 1 && result.complaints[0].contains("\(file)/run"))
    }
  }

  /// A loss that is not finite ends the run with the shard, the rank and the step named.
  @Test func aDivergingRunSaysWhere() throws {
    let result = try Lockstep.run(
      [
        "train", Lockstep.example("digits-mlp"), "--run-directory", "none", "--set", "clip=null",
        "--set", "constraints=[]",
        "--set", "optimizer={\"type\": \"sgd\", \"learningRate\": 1e30}",
      ], ranks: 2)
    #expect(result.ending == .exited(1), "\(result.transcript)")
    #expect(result.complaints.count == 1)
    #expect(result.complaints[0].contains("not finite"))
    #expect(result.complaints[0].contains("nothing was updated"))
  }
}
