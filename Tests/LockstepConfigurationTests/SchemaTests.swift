import LockstepCatalog
import LockstepConfiguration
import LockstepFiles
import LockstepTestSupport
import Testing

/// The JSON Schema accepts what the readers accept.
@Suite struct SchemaTests {
  private let validator = SchemaValidator(RunConfiguration.schema)

  private static let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  private func contents(_ file: String) throws -> String {
    String(decoding: try FileInput.contents(of: "/\(Self.root)/\(file)"), as: UTF8.self)
  }

  /// A configuration is valid, and so is what `config.json` will hold.
  private func check(_ text: String, _ name: String) throws {
    let value = try JSONValue.parse(text)
    let configuration = try RunConfiguration(value, source: name)
    #expect(validator.accepts(value), "\(name)")
    #expect(validator.accepts(configuration.resolved), "\(name), resolved")
  }

  @Test(arguments: ["digits-mlp", "digits-cnn", "breast-cancer"])
  func shippedConfigurationsAreValid(_ name: String) throws {
    try check(try contents("Examples/\(name).json"), name)
  }

  @Test(arguments: ["docs/configuration.md", "docs/transfer.md", "docs/data.md"])
  func documentedConfigurationsAreValid(_ file: String) throws {
    for block in try contents(file).split(separator: "```json\n").dropFirst() {
      let text = block.prefix(upTo: block.firstRange(of: "```")?.lowerBound ?? block.endIndex)
      try check(String(text), file)
    }
  }

  private static func with(_ key: String, _ value: JSONValue) throws -> JSONValue {
    var all: JSONValue = ["data": ["type": "blobs"], "model": ["type": "mlp", "sizes": [4, 2]]]
    try all.set(key, to: value)
    return all
  }

  @Test(
    arguments: [
      ("$schema", "lockstep.schema.json"), ("optimizer", "adam"), ("loss", "meanSquaredError"),
      ("clip", ["type": "globalNorm", "limit": 1, "norm": 2]), ("clip", nil),
      ("clip", [["type": "value", "limit": [1]]]), ("batchSize", 32.0), ("model.sizes", 3),
      ("model", ["layers": ["Flatten", ["type": "Linear", "outFeatures": [3], "name": "head"]]]),
      (
        "model",
        ["layers": [["type": "Residual", "layers": "ReLU", "shortcut": ["type": "Identity"]]]]
      ),
      (
        "model",
        [
          "layers": [
            "type": "Conv2d", "outChannels": 2, "kernel": [3, 1], "padding": "same",
            "constraint": "maxNorm", "weightInitializer": "he",
          ]
        ]
      ),
      ("constraints", ["kind": "Linear", "type": "maxNorm"]),
      ("regularizers", [["pattern": "*", "kind": nil, "type": "l2"]]),
      ("bucketBytes", 1_000_000), ("bucketBytes", "automatic"), ("nonFinite", "skip"),
      ("nonFinite", ["policy": "sanitize", "replace": "values"]), ("wire", "bfloat16"),
      ("initialWeights", "x.safetensors"), ("initialWeights", ["file": "runs/x", "checkpoint": 7]),
      ("distillation", ["teacher": "runs/x", "model": "resnet20"]), ("freeze", "0.*"),
      ("data", "mnist-5k"),
      ("data.augment", ["type": "normalize", "mean": 0, "standardDeviation": 1]),
      ("data", ["type": "csv", "file": "a.csv", "target": "y", "classes": ["a", "b"]]),
      ("evaluate", ["everyEpochs": 2]), ("watchdog", ["seconds": 5]),
      ("optimizer.schedule", ["type": "cosine", "warmupSteps": 3]),
      ("optimizer.groups", ["pattern": "*", "clipNorm": 1]),
    ] as [(String, JSONValue)])
  func whatIsReadIsValid(_ key: String, _ value: JSONValue) throws {
    let all = try Self.with(key, value)
    #expect(throws: Never.self) { try RunConfiguration(all, source: key) }
    #expect(validator.accepts(all), "\(key)")
  }

  @Test(
    arguments: [
      ("batchsize", 3), ("batchSize", 0), ("batchSize", "many"), ("batchSize", 2.5),
      ("seed", nil), ("seed", -1), ("epochs", []), ("optimizer", "adm"), ("optimizer", 0.1),
      ("optimizer.lerningRate", 1), ("optimizer.beta1", 1), ("optimizer.momentum", 0.5),
      ("optimizer.schedule", ["type": "step"]), ("optimizer.groups", [["learningRateFactor": 1]]),
      ("model", ["type": "mpl"]), ("model", "mlp"), ("model.layers", []), ("model.sizes", []),
      ("model", ["layers": [["type": "Linear"]]]),
      ("model", ["layers": [["type": "ReLU", "slope": 1]]]),
      ("model", ["layers": [["type": "MaxPool2d", "kernel": [1, 2, 3]]]]),
      ("data", "csv"), ("data.testFraction", 1), ("data.type", "mnist-5"), ("data.classes", 0),
      ("data.augment", ["shift"]), ("clip", 1), ("clip", ["type": "globalNorm"]),
      ("clip", ["type": "globalNorm", "limit": -1]),
      ("clip", ["type": "globalNorm", "limit": 1, "norm": 9]),
      ("constraints", [["type": "maxNorm"]]),
      ("constraints", [["pattern": "a", "kind": "b", "type": "maxNorm"]]),
      ("loss.labelSmoothing", 2), ("nonFinite", "skp"), ("nonFinite", ["limit": 2]),
      ("nonFinite", ["policy": "stop", "limit": 2]), ("wire.level", 1), ("bucketBytes", 0),
      ("update", "shared"), ("threads", 0), ("evaluate", 3), ("watchdog.seconds", 0),
      ("average", ["decay": 1]), ("initialWeights", ["mode": "strict"]),
      ("hessianFree", ["decay": 2]), ("checkpoint.keep", nil), ("watchdog.longSeconds", nil),
      ("model.$schema", "x"),
    ] as [(String, JSONValue)])
  func whatIsRefusedIsNotValid(_ key: String, _ value: JSONValue) throws {
    let all = try Self.with(key, value)
    #expect(throws: ConfigurationError.self) { try RunConfiguration(all, source: key) }
    #expect(!validator.accepts(all), "\(key)")
  }

  /// The schema knows the keys that are read, and no others: each object of the schema has the keys that
  /// the reader records.
  @Test func keysAreThoseThatAreRead() throws {
    func check(_ form: Form, _ definition: JSONValue?) throws {
      let schema = try #require(definition, "\(form.name)")
      let objects = Self.objects(in: schema)
      for name in form.variants.isEmpty ? [nil] : form.variants.map({ $0.name as String? }) {
        let reader = try ConfigurationReader(.object(form.example(name)))
        _ = try form.read(reader)
        let read = Set(reader.resolved.objectValue?.keys ?? [])
        let object = objects.first {
          name == nil || $0[form.choiceKey]?["const"]?.stringValue == name
        }
        #expect(Set(object?.keys ?? []) == read, "\(form.name) \(name ?? "")")
      }
    }
    let schema = RunConfiguration.schema
    var seen: Set<String> = []
    func walk(_ form: Form) throws {
      guard seen.insert(form.name).inserted else { return }
      if form.name != RunConfiguration.form.name {
        try check(form, schema["$defs"]?[form.name])
      }
      var all = form.keys + form.variants.flatMap(\.hyperparameters)
      if let alternative = form.alternative { all.append(alternative) }
      for hyperparameter in all {
        for below in hyperparameter.kind.forms { try walk(below) }
      }
    }
    try walk(RunConfiguration.form)
    #expect(seen.count >= 20)
    #expect(Set(schema["$defs"]?.objectValue?.keys ?? []).union(["configuration"]) == seen)
    let root = Set(try #require(schema["properties"]?.objectValue).keys)
    let resolved = try RunConfiguration(Self.with("seed", 1), source: "x").resolved
    #expect(root == Set(resolved.objectValue?.keys ?? []).union(["$schema"]))
  }

  /// The properties of the objects that a schema holds, those of other definitions left out.
  private static func objects(in schema: JSONValue) -> [JSONObject] {
    let here = schema["properties"]?.objectValue.map { [$0] } ?? []
    let parts = (schema["anyOf"]?.arrayValue ?? []) + (schema["oneOf"]?.arrayValue ?? [])
    return here
      + parts.filter { $0["type"] == "object" || $0["oneOf"] != nil }
      .flatMap { objects(in: $0) }
  }
}
