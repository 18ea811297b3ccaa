//! Compiles the contracts with foundry-compilers, under the settings of `contracts/foundry.toml`.
//! The compiler is a native solc of the pinned version on PATH, else the Node wrapper of npm's solc
//! that foundry.toml names. Nothing is downloaded.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use foundry_compilers::artifacts::{Settings, remappings::Remapping};
use foundry_compilers::solc::{Solc, SolcCompiler, SolcSettings};
use foundry_compilers::{ConfigurableArtifacts, Project, ProjectBuilder, ProjectPathsConfig};
use kms_chain::Contract;
use serde_json::{Value, json};

use crate::artifact;

/// Compiles every contract of [`Contract::ALL`] and returns its artifact by name.
pub(crate) fn compile(root: &Path) -> Result<Vec<(String, Value)>> {
    let contracts = root.join("contracts");
    let profile = read_profile(&contracts)?;
    let solc = find_solc(&contracts, &profile)?;
    let version = solc.version.to_string();
    let version = version.split('+').next().unwrap_or(&version).to_owned();
    let settings = solc_settings(&profile)?;
    let project = project(&contracts, &profile, &settings, solc)?;
    let files = Contract::ALL.map(|contract| contracts.join("src").join(format!("{contract}.sol")));
    let output = project
        .compile_files(files)
        .context("compiling the contracts")?;
    if output.has_compiler_errors() || output.has_compiler_warnings() {
        bail!("{output}");
    }
    let compiler = json!({ "name": "solc", "version": version, "settings": settings });
    Contract::ALL
        .iter()
        .map(|contract| pick(&output, contract.name(), &compiler))
        .collect()
}

type Compiled = foundry_compilers::ProjectCompileOutput<SolcCompiler, ConfigurableArtifacts>;

fn pick(output: &Compiled, name: &str, compiler: &Value) -> Result<(String, Value)> {
    let file_name = format!("{name}.sol");
    let (_, _, contract) = output
        .output()
        .contracts_with_files_iter()
        .find(|(file, contract, _)| {
            contract.as_str() == name && file.file_name().is_some_and(|f| f == file_name.as_str())
        })
        .with_context(|| format!("contracts/src/{file_name} defines no contract {name}"))?;
    let solc_output = serde_json::to_value(contract)?;
    Ok((
        name.to_owned(),
        artifact::from_solc(name, &solc_output, compiler)?,
    ))
}

fn read_profile(contracts: &Path) -> Result<toml::Table> {
    let path = contracts.join("foundry.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path:?}"))?;
    let config: toml::Table = text.parse().with_context(|| format!("parsing {path:?}"))?;
    config
        .get("profile")
        .and_then(|profiles| profiles.get("default"))
        .and_then(toml::Value::as_table)
        .cloned()
        .context("foundry.toml has no [profile.default]")
}

fn need<'a>(profile: &'a toml::Table, key: &str) -> Result<&'a toml::Value> {
    profile
        .get(key)
        .with_context(|| format!("foundry.toml: [profile.default] lacks `{key}`"))
}

/// The `settings` object of solc's standard JSON input, without remappings.
fn solc_settings(profile: &toml::Table) -> Result<Value> {
    Ok(json!({
        "viaIR": need(profile, "via_ir")?,
        "optimizer": {
            "enabled": need(profile, "optimizer")?,
            "runs": need(profile, "optimizer_runs")?,
        },
        "evmVersion": need(profile, "evm_version")?,
        "metadata": {
            "bytecodeHash": need(profile, "bytecode_hash")?,
            "appendCBOR": need(profile, "cbor_metadata")?,
        },
        "outputSelection": {
            "*": { "*": [
                "abi",
                "evm.bytecode.object",
                "evm.deployedBytecode.object",
                "evm.deployedBytecode.immutableReferences",
            ] }
        },
    }))
}

fn remappings(contracts: &Path, profile: &toml::Table) -> Result<Vec<Remapping>> {
    let list = need(profile, "remappings")?
        .as_array()
        .context("remappings must be a list")?;
    list.iter()
        .map(|item| {
            let text = item.as_str().context("a remapping must be a string")?;
            let mut remapping = Remapping::from_str(text)?;
            remapping.path = contracts.join(&remapping.path).display().to_string();
            Ok(remapping)
        })
        .collect()
}

fn project(
    contracts: &Path,
    profile: &toml::Table,
    settings: &Value,
    solc: Solc,
) -> Result<Project<SolcCompiler, ConfigurableArtifacts>> {
    let paths = ProjectPathsConfig::builder()
        .sources(contracts.join("src"))
        .lib(contracts.join("node_modules"))
        .remappings(remappings(contracts, profile)?)
        .build_with_root(contracts);
    let settings: Settings =
        serde_json::from_value(settings.clone()).context("foundry.toml has an unknown setting")?;
    let builder = ProjectBuilder::<SolcCompiler, ConfigurableArtifacts>::new(Default::default());
    Ok(builder
        .paths(paths)
        .settings(SolcSettings {
            settings,
            ..Default::default()
        })
        .set_cached(false)
        .set_no_artifacts(true)
        .set_offline(true)
        .build(SolcCompiler::Specific(solc))?)
}

/// Finds a native solc of the pinned version on PATH, else the wrapper that foundry.toml names.
fn find_solc(contracts: &Path, profile: &toml::Table) -> Result<Solc> {
    let pinned = pinned_version(contracts)?;
    if let Ok(output) = Command::new("solc").arg("--version").output()
        && String::from_utf8_lossy(&output.stdout).contains(&format!("Version: {pinned}+"))
    {
        return Ok(Solc::new("solc")?);
    }
    let wrapper: PathBuf = contracts.join(
        need(profile, "solc")?
            .as_str()
            .context("`solc` must be a path")?,
    );
    let solc = Solc::new(&wrapper)
        .with_context(|| format!("{} does not run; run scripts/setup", wrapper.display()))?;
    ensure!(
        solc.version.to_string().starts_with(&pinned),
        "solc is {}, contracts/package.json pins {pinned}; run scripts/setup",
        solc.version
    );
    Ok(solc)
}

fn pinned_version(contracts: &Path) -> Result<String> {
    let text = std::fs::read_to_string(contracts.join("package.json"))
        .context("reading contracts/package.json")?;
    let package: Value = serde_json::from_str(&text)?;
    let version = package
        .pointer("/devDependencies/solc")
        .and_then(Value::as_str);
    Ok(version
        .context("contracts/package.json pins no solc")?
        .to_owned())
}
