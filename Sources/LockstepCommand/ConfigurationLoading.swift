import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepONNX

/// A configuration as a command line names it: a file, or a run directory, with overrides.
struct NamedConfiguration {
  /// What the user gave.
  let path: String
  /// The run directory, where the user named one.
  let runDirectory: String?
  /// The file that was read.
  let file: String
  /// The keys of `data` to which the command line gives other values than the file has.
  let changedData: [String]
  /// Whether the command line replaces values of `data`.
  let overridesData: Bool
  /// The configuration, read by rank 0 and checked by all.
  let configuration: RunConfiguration

  /// The options that go with a configuration.
  static let options: [OptionSpecification] = [
    .option(
      "--set", "KEY.PATH=VALUE", "replace a value of the configuration; may be repeated",
      repeats: true)
  ]

  /// Reads the configuration on rank 0 and checks it on all ranks. Called by all ranks.
  init(_ path: String, _ arguments: Arguments, on collective: any Collective) throws {
    try self.init(path, overrides: try arguments.overrides(), on: collective)
  }

  /// The same with values that replace parts of it.
  ///
  /// - Parameter keptModel: a run directory that may keep the file of the model.
  init(
    _ path: String, overrides: [Override], keptModel: String? = nil,
    on collective: any Collective
  ) throws {
    let isDirectory = try collective.fromRoot { [Self.isDirectory(path) ? 1 : 0] } == [1]
    let file = isDirectory ? "\(path)/config.json" : path
    let text = try collective.fromRoot { try FileInput.contents(of: file, limit: 64 << 20) }
    // Ranks may have different working directories; rank 0's is the one that the user sees.
    let folder = try collective.fromRoot { Array(AbsolutePath.folder(of: file).utf8) }
    self.path = path
    runDirectory = isDirectory ? path : nil
    self.file = file
    changedData = Self.changedData(overrides, text)
    overridesData = overrides.contains { $0.path == "data" || $0.path.hasPrefix("data.") }
    let kept = try Self.keptModel(
      in: isDirectory ? path : keptModel, text, overrides, on: collective)
    // A rank that does not find a file that the configuration names ends all.
    configuration = try collective.together {
      try RunConfiguration(
        parsing: text, source: file, directory: String(decoding: folder, as: UTF8.self),
        overrides: overrides + kept)
    }
    collective.watchdog?.patience = configuration.patience
  }

  /// The run's own copy of its model's file in the place of the file, where there is one and the command
  /// line names no other.
  private static func keptModel(
    in directory: String?, _ text: [UInt8], _ overrides: [Override],
    on collective: any Collective
  ) throws -> [Override] {
    guard let directory, (try? JSONValue.parse(text))?["model"]?["type"]?.stringValue == "onnx",
      !overrides.contains(where: { $0.path == "model" || $0.path.hasPrefix("model.") })
    else { return [] }
    let file = try collective.fromRoot {
      let file = AbsolutePath.of("\(directory)/\(ImportedModel.keptName)")
      return FileKind(file) == .regular ? Array(file.utf8) : []
    }
    guard !file.isEmpty else { return [] }
    return [Override(path: "model.file", value: .string(String(decoding: file, as: UTF8.self)))]
  }

  /// How long ranks wait for each other before they have read the configuration: what this rank finds of
  /// it by itself, else the default.
  static func foreseenPatience(_ path: String, _ arguments: Arguments) -> Watchdog.Patience {
    func content(_ path: String) -> JSONValue? {
      (try? FileInput.contents(of: path, limit: 1 << 20)).flatMap { try? JSONValue.parse($0) }
    }
    let document = FileKind(path) == .regular ? content(path) : content("\(path)/config.json")
    func seconds(_ key: String) -> Double? {
      let given = (try? arguments.overrides())?.last { $0.path == "watchdog.\(key)" }?.value
      let value = (given ?? document?["watchdog"]?[key])?.doubleValue
      return value.flatMap { $0 > 0 ? $0 : nil }
    }
    return Watchdog.Patience(
      deadline: seconds("seconds") ?? 300, longDeadline: seconds("longSeconds"))
  }

  private static func changedData(_ overrides: [Override], _ text: [UInt8]) -> [String] {
    let data = (try? JSONValue.parse(text))?["data"]
    return overrides.flatMap { override -> [String] in
      if override.path == "data" {
        // A text stands for the type.
        guard let given = override.value.objectValue else { return ["type"] }
        return given.members.filter { $0.value != data?[$0.key] }.map(\.key)
      }
      guard override.path.hasPrefix("data.") else { return [] }
      let key = override.path.dropFirst("data.".count)
      guard override.value != data?[String(key)] else { return [] }
      return [String(key.prefix { $0 != "." })]
    }
  }

  private static func isDirectory(_ path: String) -> Bool {
    FileKind(path) == .directory
  }

  /// The files that are read: the configuration, and those that it names.
  var files: [String] {
    let keys =
      ["file", "testFile", "inputs", "labels", "testInputs", "testLabels"].map { "data.\($0)" }
      + ["initialWeights.file", "model.file"]
    return [file]
      + keys.flatMap { key -> [String] in
        let value = configuration.resolved[key]
        return value?.arrayValue?.compactMap(\.stringValue)
          ?? [value?.stringValue].compactMap { $0 }
      }
  }

  /// The configuration's name without folders and ending, for run directories.
  var stem: String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return file.hasSuffix(".json") ? String(file.dropLast(5)) : file
  }
}
