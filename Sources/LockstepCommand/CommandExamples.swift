// Command lines that the help of commands shows. They run from the package's folder.

extension TrainCommand {
  static let examples = [
    "lockstep train Examples/digits-mlp.json --run-directory runs/digits",
    "mpirun -n 2 lockstep train Examples/digits-cnn.json --set epochs=3 --set clip.limit=0.5",
    "mpirun -n 4 lockstep train Examples/digits-mlp.json --run-directory runs/digits --resume",
  ]
}

extension EvaluateCommand {
  static let examples = [
    "mpirun -n 2 lockstep evaluate runs/digits",
    "lockstep evaluate runs/cancer --checkpoint best --classes",
    "lockstep evaluate runs/cancer --input patients.csv --json",
  ]
}

extension PredictCommand {
  static let examples = [
    "lockstep predict runs/digits --output predictions.csv",
    "lockstep predict runs/cancer --input patients.csv --id patient --format jsonl",
    "mpirun -n 2 lockstep predict runs/digits --output probabilities.npy",
  ]
}

extension GenerateCommand {
  static let examples = [
    "lockstep generate runs/characters --prompt \"In the beginning\" --count 200"
  ]
}

extension ReportCommand {
  static let examples = [
    "lockstep report runs/digits", "lockstep report runs/one runs/two --html runs.html",
    "lockstep report runs/digits --svg plots",
  ]
}

extension ExportCommand {
  static let examples = ["lockstep export runs/digits --onnx digits.onnx"]
}

extension WatchCommand {
  static let examples = ["lockstep watch runs/digits", "lockstep watch runs/digits --once"]
}

extension InspectCommand {
  static let examples = [
    "lockstep inspect Examples/tables/passengers.csv --target survived",
    "lockstep inspect runs/digits --fingerprint",
    "lockstep inspect runs/digits --checkpoint best --json",
  ]
}

extension SuggestClipCommand {
  static let examples = ["lockstep suggest-clip runs/digits --plot thresholds.svg"]
}

extension SweepCommand {
  static let examples = [
    "mpirun -n 2 lockstep sweep Examples/digits-mlp.json --vary optimizer.learningRate=0.01,0.03,0.1",
    "lockstep sweep Examples/digits-mlp.json --vary clip.limit=0.5,1,2 --vary batchSize=64,128 --plot sweep.svg",
  ]
}

extension CrossValidateCommand {
  static let examples = [
    "mpirun -n 2 lockstep cross-validate Examples/breast-cancer.json --folds 5"
  ]
}

extension FindRateCommand {
  static let examples = ["lockstep find-rate Examples/fraud.json --plot rates.svg"]
}

extension FindBatchSizeCommand {
  static let examples = [
    "lockstep find-batch-size Examples/fraud.json --steps 10",
    "mpirun -n 2 lockstep find-batch-size Examples/digits-mlp.json --sizes 32,64,128,256",
  ]
}

extension VerifyCommand {
  static let examples = ["lockstep verify Examples/digits-mlp.json --ranks 1,2,3 --steps 5"]
}

extension CatalogCommand {
  static let examples = ["lockstep catalog", "lockstep catalog optimizers clips"]
}

extension SchemaCommand {
  static let examples = ["lockstep schema --output lockstep.schema.json"]
}

extension PlanCommand {
  static let examples = [
    "mpirun -n 2 lockstep plan Examples/digits-mlp.json --nodes 16 --ranks-per-node 2"
  ]
}

extension BenchmarkCommand {
  static let examples = [
    "mpirun -n 2 lockstep benchmark step --model cnn", "lockstep benchmark kernels --model cnn",
  ]
}

extension DoctorCommand {
  static let examples = ["mpirun -n 2 lockstep doctor"]
}

extension CompletionCommand {
  static let examples = [
    "lockstep completion bash > ~/.local/share/bash-completion/completions/lockstep",
    "lockstep completion zsh > ~/.zfunc/_lockstep",
    "lockstep completion fish > ~/.config/fish/completions/lockstep.fish",
  ]
}

extension ManualCommand {
  static let examples = ["lockstep manual > lockstep.1"]
}

extension InitCommand {
  static let examples = [
    "lockstep init Examples/tables/passengers.csv --target survived --output passengers.json",
    "lockstep init photos/ --output photos.json",
    "lockstep init novel.txt --output novel.json",
  ]
}
